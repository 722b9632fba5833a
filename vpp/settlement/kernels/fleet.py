"""Baselines of a portfolio's nominated devices on one delivery day.

The registered level is the portfolio: day matching is done once on the sum of the devices that share a profile, not
summed over devices (picking and caps are not linear). Devices get their own baselines too; those weigh the owners'
shares. A device whose readings of the event are not whole, or whose baseline is insufficient, proves nothing: it counts
with zero delivery and is named in the findings.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.lib.units import mean_power_kw
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray
from vpp.settlement.kernels.methods import MethodContext, Rule, answer_for
from vpp.settlement.kernels.question import answer_as_dict
from vpp.settlement.kernels.slots import Event, Series


@dataclass(frozen=True, slots=True)
class FleetDay:
    """N nominated devices and H intervals of a delivery day.

    rules        : one per device.
    metered_kw   : (N, H) mean power, consumption positive, NaN missing.
    nominated_kw : (N, H) expected undispatched power as planned before the day, NaN where there is none.
    history_kwh  : (N, T) energy per interval of `series`, which runs from the oldest reference day to the day's end.
    first        : position of the day's first interval in `series`.
    event        : first and one past the last settled interval of the day.
    """

    codes: Sequence[str]
    rules: Sequence[Rule]
    metered_kw: FloatArray
    nominated_kw: FloatArray
    history_kwh: FloatArray
    series: Series
    first: int
    event: slice
    step_minutes: int


@dataclass(slots=True)
class FleetBaseline:
    """What the fleet would have done and what it did; zero outside the event and for devices without proof.

    device_delivered_kw       : (N, H) up positive.
    baseline_kw, metered_kw   : (H,) of the devices with proof; NaN outside the event.
    status                    : (N,) of each device's baseline, or `missing_readings`.
    read_dates                : local dates other than the event's whose readings had a say.
    """

    device_delivered_kw: FloatArray
    baseline_kw: FloatArray
    metered_kw: FloatArray
    status: list[str]
    findings: list[dict[str, Any]] = field(default_factory=list)
    explanation: list[dict[str, Any]] = field(default_factory=list)
    read_dates: set[date] = field(default_factory=set)

    @property
    def delivered_kw(self) -> FloatArray:
        """(H,) of the portfolio, up positive, NaN outside the event."""
        return self.baseline_kw - self.metered_kw

    @property
    def is_payable(self) -> bool:
        """Whether anything is proved at all."""
        return any(status.startswith("ok") for status in self.status)


def fleet_baseline(day: FleetDay, event: Event, context: MethodContext) -> FleetBaseline:
    """Baselines of every device and of the portfolio."""
    n_devices, n_intervals = day.metered_kw.shape
    outside = np.full(n_intervals, np.nan)
    result = FleetBaseline(np.zeros((n_devices, n_intervals)), outside, outside.copy(), ["ok"] * n_devices)
    result.baseline_kw[day.event] = result.metered_kw[day.event] = 0.0
    whole = ~np.isnan(day.metered_kw[:, day.event]).any(axis=1)
    for row in np.flatnonzero(~whole):
        result.status[row] = "missing_readings"
    groups: dict[Rule, list[int]] = {}
    for row in np.flatnonzero(whole):
        groups.setdefault(day.rules[int(row)], []).append(int(row))
    for rule, rows in sorted(groups.items(), key=lambda pair: pair[0].name):
        _settle_group(day, event, context, rule, rows, result)
    result.findings.extend(_findings(day, result.status))
    return result


def _settle_group(
    day: FleetDay, event: Event, context: MethodContext, rule: Rule, rows: list[int], result: FleetBaseline
) -> None:
    """Device baselines of one rule, and their sum at portfolio level."""
    answers = {row: _answer(day, event, context, rule, day.history_kwh[row], day.nominated_kw[row]) for row in rows}
    for row, answer in answers.items():
        result.status[row] = str(answer.status)
        result.read_dates |= answer.read_dates
        if answer.is_payable:
            baseline = mean_power_kw(_credited_baseline(answer), day.step_minutes)
            result.device_delivered_kw[row, day.event] = baseline - day.metered_kw[row, day.event]
    payable = [row for row in rows if answers[row].is_payable]
    together = _together({row: answers[row] for row in payable}) if rule.is_day_matching else []
    for row in payable:
        result.metered_kw[day.event] += day.metered_kw[row, day.event]
        if row not in together:
            result.baseline_kw[day.event] += mean_power_kw(_credited_baseline(answers[row]), day.step_minutes)
    if together:
        summed = day.history_kwh[together].sum(axis=0)
        answer = _answer(day, event, context, rule, summed, day.nominated_kw[together].sum(axis=0))
        result.baseline_kw[day.event] += mean_power_kw(answer.baseline_kwh, day.step_minutes)
        result.explanation.append({"devices": len(together), "rule": rule.name, **_summary(answer)})
    if len(payable) > len(together):
        result.explanation.append({"devices": len(payable) - len(together), "rule": rule.name, "level": "device"})


def _answer(
    day: FleetDay, event: Event, context: MethodContext, rule: Rule, values_kwh: FloatArray, nominated_kw: FloatArray
) -> BaselineAnswer:
    return answer_for(rule, values_kwh, event, day.series, nominated_kw[day.event], context)


def _credited_baseline(answer: BaselineAnswer) -> FloatArray:
    """(E,) the baseline that leaves what the method credits: some never count below zero."""
    if answer.credited_kwh is None:
        return answer.baseline_kwh
    return answer.actual_kwh + answer.credited_kwh


def _together(answers: Mapping[int, BaselineAnswer]) -> list[int]:
    """The devices that have the same whole like days as most others: only their sum is whole on those days."""
    if not answers:
        return []
    common, _ = Counter(answer.like_days for answer in answers.values()).most_common(1)[0]
    return [row for row, answer in answers.items() if answer.like_days == common]


def _summary(answer: BaselineAnswer) -> dict[str, Any]:
    """What an explanation keeps of a group's answer; the arrays are stored beside it."""
    full = answer_as_dict(answer)
    kept = ("status", "selected_days", "weights", "adjustment", "excluded", "total_reduction_kwh", "unadjusted_kwh")
    return {"level": "portfolio", **{key: full[key] for key in kept}}


def _findings(day: FleetDay, status: Sequence[str]) -> list[dict[str, Any]]:
    by_status: dict[str, list[str]] = {}
    for code, state in zip(day.codes, status, strict=True):
        if state not in ("ok", "ok_topped_up"):
            by_status.setdefault(state, []).append(code)
    return [{"finding": state, "devices": sorted(codes)} for state, codes in sorted(by_status.items())]


def event_hull(called_kw: NDArray[np.float64]) -> slice | None:
    """The intervals from the first to the last one in which anything was called for; None if nothing was.

    called_kw : (A, H) non-negative.
    """
    called = np.flatnonzero((called_kw > 0).any(axis=0))
    return slice(int(called[0]), int(called[-1]) + 1) if called.size else None
