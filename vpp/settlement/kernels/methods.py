"""From a stored profile to the answer of its method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from vpp.lib.units import energy_kwh
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray
from vpp.settlement.kernels.boosting import BoostingRule, answer_boosting
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.generator import answer_generator, as_load
from vpp.settlement.kernels.grid import EventGrid
from vpp.settlement.kernels.profile_data import adjustment_from_dict, profile_from_dict
from vpp.settlement.kernels.profiles import MethodProfile, ProfileError
from vpp.settlement.kernels.schedule import answer_schedule
from vpp.settlement.kernels.slots import Event, Series
from vpp.settlement.kernels.training import Frame
from vpp.settlement.kernels.windows import answer_mbma, answer_window_mean, mbma_rule
from vpp.settlement.kernels.x_of_y import answer_x_of_y, grid_for, like_day_reasons


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
        """Whether a group of devices is settled on its sum."""
        return self.method == "x_of_y"

    @property
    def lookback_days(self) -> int:
        """How many days before the event it reads."""
        if self.profile is not None:
            return self.profile.lookback_days
        return int(self.parameters.get("lookback_days", 1 if self.method in ("mbma", "window_mean") else 0))


def make_rule(*, name: str, version: int, method: str, parameters: Mapping[str, Any], zone: str) -> Rule:
    """A rule from its stored form; raises ProfileError."""
    profile = profile_from_dict(name, parameters) if method in ("x_of_y", "mgo") else None
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
    others = context.circumstances.other_events
    if rule.method == "mgo" and rule.profile is not None:
        zone = ZoneInfo(rule.zone)
        return as_load(answer_generator(-values_kwh, event, series, zone, rule.profile, context.circumstances))
    if rule.profile is not None:
        grid, reasons = context.grid(rule, event, series)
        return answer_x_of_y(values_kwh, grid, rule.profile, context.circumstances, reasons)
    step_minutes = series.step_s // 60
    if rule.method == "schedule":
        constant_kwh = energy_kwh(float(rule.parameters.get("constant_kw", 0.0)), step_minutes)
        return answer_schedule(values_kwh, event, series, np.array([constant_kwh]), rule.name)
    if rule.method in ("nomination", "d_prognosis"):
        return answer_schedule(values_kwh, event, series, energy_kwh(nominated_kw, step_minutes), rule.name)
    if rule.method == "mbma":
        return answer_mbma(values_kwh, event, series, mbma_rule(rule.parameters, event, series), others)
    if rule.method == "window_mean":
        windows = adjustment_from_dict(rule.parameters).windows
        return answer_window_mean(values_kwh, event, series, windows, rule.name, others)
    if rule.method == "boosting":
        fields = ("lookback_days", "seed", "max_iter", "learning_rate", "min_days")
        chosen = {name: rule.parameters[name] for name in fields if name in rule.parameters}
        frame = Frame(values_kwh, event, series, ZoneInfo(rule.zone), context.circumstances)
        return answer_boosting(frame, BoostingRule(**chosen), rule.name)
    raise ProfileError(f"profile {rule.name}: the method {rule.method!r} cannot settle a device on its own readings")
