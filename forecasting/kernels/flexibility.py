"""From a portfolio forecast to its groups' envelopes at a confidence."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.envelope import DeviceParameters, device_deviations
from forecasting.kernels.groups import GroupEnvelope, group_envelope, whole_portfolio
from forecasting.kernels.portfolio import PortfolioForecast

Array = NDArray[np.float64]

POOLED = frozenset({"EV_CHARGER", "HEAT_PUMP", "WATER_HEATER"})
ANSWERING_PU = 0.95  # share of rated flexibility that is assumed to answer a setpoint; the rest is silent or refuses


@dataclass(frozen=True)
class PortfolioFlexibility:
    """Envelope per device kind that can be moved, with the indices (n,) of its devices, and of the whole portfolio."""

    groups: dict[str, GroupEnvelope]
    members: dict[str, NDArray[np.int64]]
    whole: GroupEnvelope


def portfolio_flexibility(
    forecast: PortfolioForecast, devices: DeviceParameters, *, confidence: float, step_minutes: int
) -> PortfolioFlexibility:
    """Envelopes around a forecast's means; devices in the order of forecast.device_mean_kw.

    What can be taken away from consumption or production is what that share of the joint scenarios has.
    """
    ratio = assured_ratio(forecast, confidence)
    groups: dict[str, GroupEnvelope] = {}
    members: dict[str, NDArray[np.int64]] = {}
    kinds = np.array(devices.kind, dtype=object)
    for kind in sorted(set(kinds[devices.usable])):
        inside = np.flatnonzero((kinds == kind) & devices.usable)
        rows = select(devices, inside)
        baseline = forecast.device_mean_kw[inside]
        if kind in POOLED:
            baseline = pooled_baseline(baseline, rows.max_consumption_kw)
        assured = np.abs(baseline) * ratio[forecast.pool_of_device[inside]]
        found = device_deviations(rows, baseline, assured, availability_pu=ANSWERING_PU, step_minutes=step_minutes)
        groups[kind], members[kind] = group_envelope(baseline, found, step_minutes=step_minutes), inside
    firm = forecast.mean_kw - np.sum([group.baseline_kw for group in groups.values()], axis=0)
    return PortfolioFlexibility(
        groups, members, whole_portfolio([*groups.values(), fixed(firm, step_minutes)], step_minutes=step_minutes)
    )


def assured_ratio(forecast: PortfolioForecast, confidence: float) -> Array:
    """(P, H) assured power of each pool at the confidence as a share of its mean power, 0..1."""
    paths = np.abs(forecast.scenarios.paths_kw)
    assured = np.quantile(paths, 1 - confidence, axis=0)
    mean = np.abs(
        np.array(
            [forecast.device_mean_kw[forecast.pool_of_device == place].sum(axis=0) for place in range(len(assured))]
        )
    )
    return np.clip(np.divide(assured, mean, out=np.zeros_like(assured), where=mean > 1e-9), 0, 1)


def pooled_baseline(baseline_kw: Array, rating_kw: Array) -> Array:
    """Baselines (n, H) with the pool's shape and each device's share of its energy, within every rating.

    The slot profile of one charger or heat pump is noise; their pool is what can be forecast and promised.
    """
    pool = np.maximum(baseline_kw, 0).sum(axis=0)
    peak = pool.max(initial=0.0)
    if peak <= 0:
        return np.zeros_like(baseline_kw)
    energy = np.maximum(baseline_kw, 0).sum(axis=1)
    share = np.minimum(energy / energy.sum(), rating_kw / peak)
    return share[:, None] * pool


def fixed(power_kw: Array, step_minutes: int) -> GroupEnvelope:
    """A group that cannot be moved."""
    from forecasting.kernels.envelope import Deviations

    zero = np.zeros((1, len(power_kw)))
    free = np.full((1, len(power_kw)), np.inf)
    return group_envelope(
        power_kw[None], Deviations(zero, zero, free, free, np.full(1, np.inf)), step_minutes=step_minutes
    )


def select(devices: DeviceParameters, rows: NDArray[np.int64]) -> DeviceParameters:
    """The chosen devices, in that order."""
    picked = {field.name: getattr(devices, field.name)[rows] for field in fields(devices) if field.name != "kind"}
    return replace(devices, kind=[devices.kind[row] for row in rows], **picked)
