"""From a stored profile to the answer of its method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from vpp.lib.units import energy_kwh
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray
from vpp.settlement.kernels.grid import Event, EventGrid, Series
from vpp.settlement.kernels.profiles import MethodProfile, ProfileError, profile_from_dict
from vpp.settlement.kernels.schedule import answer_schedule
from vpp.settlement.kernels.windows import MbmaRule, answer_mbma
from vpp.settlement.kernels.x_of_y import Circumstances, answer_x_of_y, grid_for, like_day_reasons


@dataclass(frozen=True, slots=True)
class Rule:
    """A version of a baseline method, ready to answer; equal rules are one object per run."""

    name: str
    version: int
    method: str
    zone: str
    profile: MethodProfile | None = field(default=None, compare=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_day_matching(self) -> bool:
        return self.profile is not None


def make_rule(*, name: str, version: int, method: str, parameters: Mapping[str, Any], zone: str) -> Rule:
    """A rule from its stored form; raises ProfileError."""
    profile = profile_from_dict(name, parameters) if method == "x_of_y" else None
    return Rule(name, version, method, zone, profile, parameters)


@dataclass(slots=True)
class MethodContext:
    """What all devices of a day share; keeps the slot grid of each rule."""

    circumstances: Circumstances
    _grids: dict[tuple[Rule, Event], tuple[EventGrid, list[str]]] = field(default_factory=dict)

    def grid(self, rule: Rule, event: Event, series: Series) -> tuple[EventGrid, list[str]]:
        """The rule's grid and the day judgements on it, made once."""
        if (rule, event) not in self._grids:
            assert rule.profile is not None
            grid = grid_for(rule.profile, event, series, ZoneInfo(rule.zone))
            self._grids[rule, event] = grid, like_day_reasons(rule.profile, grid, self.circumstances)
        return self._grids[rule, event]


def answer_for(
    rule: Rule, values_kwh: FloatArray, event: Event, series: Series, nominated_kw: FloatArray, context: MethodContext
) -> BaselineAnswer:
    """One series' baseline by its rule.

    values_kwh   : (T,) of `series`.
    nominated_kw : (E,) planned undispatched power in the event's intervals; NaN where there is none.
    """
    if rule.profile is not None:
        grid, reasons = context.grid(rule, event, series)
        return answer_x_of_y(values_kwh, grid, rule.profile, context.circumstances, reasons)
    step_minutes = series.step_s // 60
    if rule.method == "schedule":
        constant_kwh = energy_kwh(float(rule.parameters.get("constant_kw", 0.0)), step_minutes)
        return answer_schedule(values_kwh, event, series, np.array([constant_kwh]), rule.name)
    if rule.method == "nomination":
        return answer_schedule(values_kwh, event, series, energy_kwh(nominated_kw, step_minutes), rule.name)
    if rule.method == "mbma":
        shape, count = str(rule.parameters["shape"]), int(rule.parameters.get("intervals", 4))
        mbma = MbmaRule(shape, count, int(rule.parameters.get("gap_intervals", 0)))
        return answer_mbma(values_kwh, event, series, mbma)
    raise ProfileError(f"profile {rule.name} has the unknown method {rule.method!r}")
