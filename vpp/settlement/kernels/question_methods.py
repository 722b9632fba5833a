"""Each baseline method as a question in JSON asks for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from vpp.settlement.kernels import question_fields as fields
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray
from vpp.settlement.kernels.boosting import BoostingRule, answer_boosting
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.control import answer_control_group
from vpp.settlement.kernels.generator import answer_generator, answer_total, as_load
from vpp.settlement.kernels.profile_data import (
    adjustment_from_dict,
    override_profile,
    profile_from_dict,
    shipped_profile,
    shipped_profiles,
)
from vpp.settlement.kernels.profiles import AdjustmentRule, MethodProfile
from vpp.settlement.kernels.prognosis import Prognosis, answer_prognosis
from vpp.settlement.kernels.regression import RegressionRule, answer_regression
from vpp.settlement.kernels.schedule import answer_nomination, answer_schedule
from vpp.settlement.kernels.slots import Event, Series
from vpp.settlement.kernels.training import Frame
from vpp.settlement.kernels.windows import answer_mbma, answer_window_mean, mbma_rule
from vpp.settlement.kernels.x_of_y import answer_x_of_y, grid_for


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what all methods need already read. values_kwh (T,) of `series`."""

    question: Mapping[str, Any]
    name: str
    params: dict[str, Any]
    event: Event
    series: Series
    values_kwh: FloatArray
    circumstances: Circumstances

    @classmethod
    def read(cls, question: Mapping[str, Any], name: str, params: dict[str, Any]) -> "Asked":
        """Read the shared fields; raises QuestionError, KeyError or ValueError that names the field."""
        event = fields.event(question)
        series, values = fields.series(question)
        circumstances = Circumstances(
            holidays=fields.dates(question, "holidays"),
            event_days=fields.dates(question, "event_days"),
            outage_days=fields.dates(question, "outage_days"),
            other_events=fields.pairs(question, "other_events_same_day"),
            daily_max_temp=fields.temperatures(question),
        )
        return cls(question, name, params, event, series, values, circumstances)

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone."""
        return fields.zone(self.question)

    @property
    def adjustment(self) -> AdjustmentRule:
        """The adjustment of the parameters, merged over the preset's."""
        wanted = self.params.get("adjustment", {})
        shipped = shipped_profiles().get(self.name, {}).get("adjustment") or {}
        return adjustment_from_dict({**shipped, **wanted} if wanted is not None else {})

    def profile(self, beside: Sequence[str] = ()) -> MethodProfile:
        """The day-matching profile: a shipped one with overrides, or the parameters alone."""
        params = {key: value for key, value in self.params.items() if key not in beside}
        shipped = shipped_profiles().get(self.name)
        if shipped is None:
            return profile_from_dict(self.name, params)
        return override_profile(profile_from_dict(self.name, shipped), params)

    def frame(self) -> Frame:
        """For methods that learn."""
        temperature = fields.temperature_f(self.question, self.params, self.series)
        return Frame(
            self.values_kwh, self.event, self.series, self.zone, self.circumstances, self.adjustment, temperature
        )


def _x_of_y(asked: Asked) -> BaselineAnswer:
    profile = asked.profile()
    grid = grid_for(profile, asked.event, asked.series, asked.zone)
    return answer_x_of_y(asked.values_kwh, grid, profile, asked.circumstances)


def _mbma(asked: Asked) -> BaselineAnswer:
    rule = mbma_rule(asked.params, asked.event, asked.series)
    return answer_mbma(asked.values_kwh, asked.event, asked.series, rule, asked.circumstances.other_events)


def _window_mean(asked: Asked) -> BaselineAnswer:
    windows = fields.windows(asked.params.get("windows") or ())
    others = asked.circumstances.other_events
    return answer_window_mean(asked.values_kwh, asked.event, asked.series, windows, asked.name, others)


def _control_group(asked: Asked) -> BaselineAnswer:
    rows = asked.question["control_values"]
    rows = list(rows.values()) if isinstance(rows, Mapping) else rows
    rows = rows if rows and isinstance(rows[0], Sequence) else [rows]
    controls = np.array([fields.floats(row, asked.values_kwh.size, "control_values") for row in rows])
    rule = asked.adjustment
    if asked.params.get("windows"):
        rule = replace(rule, kind="multiplicative", windows=fields.windows(asked.params["windows"]))
    others = asked.circumstances.other_events
    return answer_control_group(asked.values_kwh, controls, asked.event, asked.series, rule, others)


def _schedule(asked: Asked) -> BaselineAnswer:
    scheduled = fields.scheduled_kwh(asked.params, asked.series)
    return answer_schedule(asked.values_kwh, asked.event, asked.series, scheduled)


def _nomination(asked: Asked) -> BaselineAnswer:
    params = asked.params
    submitted = fields.moment(params, "submitted_at") if params.get("submitted_at") else None
    gate = fields.moment(params, "gate_at") if params.get("gate_at") else asked.event.start
    scheduled = None if submitted is None else fields.scheduled_kwh(params, asked.series)
    return answer_nomination(asked.values_kwh, asked.event, asked.series, scheduled, submitted, gate)


def _d_prognosis(asked: Asked) -> BaselineAnswer:
    params = asked.params
    ordered = fields.moment(params, "ordered_at") if params.get("ordered_at") else asked.event.start
    prognoses = [
        Prognosis(
            reference=str(one.get("reference", number)),
            sent_at=fields.moment(one, "sent_at"),
            isps=fields.isps(one),
            accepted=bool(one.get("accepted", True)),
        )
        for number, one in enumerate(params.get("prognoses") or (), start=1)
    ]
    minutes = int(params.get("isp_minutes") or asked.series.step_s // 60)
    return answer_prognosis(asked.values_kwh, asked.event, asked.series, asked.zone, prognoses, ordered, minutes)


def _mgo(asked: Asked) -> BaselineAnswer:
    """`generator_values` (kWh, output positive) beside the site's net `values`; else `values` are the generator's.

    Output that is given as load (production negative) is answered as load.
    """
    profile = asked.profile(beside=("form",))
    given = asked.question.get("generator_values")
    raw = asked.values_kwh if given is None else fields.floats(given, asked.values_kwh.size, "generator_values")
    is_load = not bool(np.any(raw > 0)) and bool(np.any(raw < 0))
    output, net = (-raw if is_load else raw), (None if given is None else asked.values_kwh)
    answer = answer_generator(output, asked.event, asked.series, asked.zone, profile, asked.circumstances, net)
    if asked.params.get("form") == "total":
        if net is None:
            raise ValueError("the total form needs generator_values beside the site's values")
        load_profile = shipped_profile("CAISO_10_IN_10")
        grid = grid_for(load_profile, asked.event, asked.series, asked.zone)
        load = answer_x_of_y(net + np.maximum(output, 0.0), grid, load_profile, asked.circumstances)
        return answer_total(answer, load, grid.actual_values(net)[: grid.n_event])
    return as_load(answer) if is_load else answer


def _regression(asked: Asked) -> BaselineAnswer:
    return answer_regression(asked.frame(), RegressionRule(**fields.rule_fields(RegressionRule, asked.params)))


def _boosting(asked: Asked) -> BaselineAnswer:
    return answer_boosting(asked.frame(), BoostingRule(**fields.rule_fields(BoostingRule, asked.params)))


METHODS: Mapping[str, Callable[[Asked], BaselineAnswer]] = {
    "x_of_y": _x_of_y,
    "mbma": _mbma,
    "window_mean": _window_mean,
    "control_group": _control_group,
    "schedule": _schedule,
    "nomination": _nomination,
    "d_prognosis": _d_prognosis,
    "mgo": _mgo,
    "regression": _regression,
    "boosting": _boosting,
}
