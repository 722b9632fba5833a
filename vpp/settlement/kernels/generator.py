"""Meter generator output: what a generator behind the meter gave beyond its typical use."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, Status
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.profiles import MethodProfile
from vpp.settlement.kernels.slots import Event, Series
from vpp.settlement.kernels.x_of_y import answer_x_of_y, grid_for


def answer_generator(
    output_kwh: FloatArray,
    event: Event,
    series: Series,
    zone: ZoneInfo,
    profile: MethodProfile,
    circumstances: Circumstances,
    net_kwh: FloatArray | None = None,
) -> BaselineAnswer:
    """Baseline = mean typical output of the like non-event days; credited = max(0, G - baseline), never netted.

    output_kwh : (T,) G >= 0 of the generator's own meter; readings below zero count as 0.
    net_kwh    : (T,) of the site, import positive; then output beyond the site's own load is clipped (an export is not
                 load that the grid was spared).
    """
    output = np.maximum(output_kwh, 0.0)
    if net_kwh is not None:
        output = np.minimum(output, np.maximum(net_kwh + output, 0.0))
    answer = answer_x_of_y(output, grid_for(profile, event, series, zone), profile, circumstances)
    return replace(answer, credited_kwh=np.maximum(answer.actual_kwh - answer.baseline_kwh, 0.0))


def answer_total(generator: BaselineAnswer, load: BaselineAnswer, net_kwh: FloatArray) -> BaselineAnswer:
    """The total form: the load side (baseline of net + G, less net + G) plus the generator part.

    net_kwh : (E,) what the site's net meter read. The baseline is that of the load less typical output.
    """
    assert generator.credited_kwh is not None
    parts = {"load": load, "generator": generator}
    status = Status.OK
    for part in parts.values():
        status = max(status, part.status, key=list(Status).index)
    load_kwh = load.baseline_kwh - load.actual_kwh
    return replace(
        load,
        status=status,
        method=f"{generator.method}_TOTAL",
        reason="; ".join(f"{name}: {part.reason}" for name, part in parts.items() if part.reason),
        unadjusted_kwh=load.unadjusted_kwh - generator.unadjusted_kwh,
        baseline_kwh=load.baseline_kwh - generator.baseline_kwh,
        actual_kwh=net_kwh,
        credited_kwh=load_kwh + generator.credited_kwh,
        extra={
            "load_reduction_kwh": [float(value) for value in np.nan_to_num(load_kwh)],
            "generator_reduction_kwh": [float(value) for value in np.nan_to_num(generator.credited_kwh)],
            "generator_days": [day.isoformat() for day, _ in generator.selected],
        },
    )


def as_load(answer: BaselineAnswer) -> BaselineAnswer:
    """The same answer with production negative, as meters of this service read."""
    return replace(
        answer,
        unadjusted_kwh=-answer.unadjusted_kwh,
        baseline_kwh=-answer.baseline_kwh,
        actual_kwh=-answer.actual_kwh,
    )
