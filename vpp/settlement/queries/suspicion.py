"""Signs of a made baseline in one settled day: what the guards' kernels are asked, and about which device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidding.models import Award, Bid
from vpp.settlement.kernels import guards
from vpp.settlement.kernels.grid import EventGrid
from vpp.settlement.models import Performance, ReviewFinding, SettlementRun
from vpp.settlement.queries.inputs import DayInputs

LIMIT_Z = 3.0
LIKE_DAYS = 30
LEAST_SHIFT_KWH = 2.0
OFFSET_EVENTS = 12
Kind = ReviewFinding.Kind
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sign:
    """A sign about the device in `row`."""

    kind: str
    row: int
    evidence: dict[str, Any]


@dataclass(frozen=True)
class _Seen:
    """One day-matched device: its like days (most recent first) and the event day, event slots first."""

    row: int
    grid: EventGrid
    like_days: Sequence[date]
    like_kwh: FloatArray
    day_kwh: FloatArray

    @property
    def event_kwh(self) -> FloatArray:
        return np.asarray(self.like_kwh[:, : self.grid.n_event].sum(axis=1))


def signs(run: SettlementRun, inputs: DayInputs) -> list[Sign]:
    """Every sign over the limit: window against like days, jump after notice, load near offers, paired sites, and the
    portfolio's adjustment always pointing one way."""
    seen = list(_devices(inputs))
    offered = _offered_days(inputs) if seen else frozenset()
    found = [sign for one in seen for sign in _of_device(inputs, one, offered)]
    return [*found, *_paired(inputs, seen), *_repeated(run, inputs, seen)]


def _devices(inputs: DayInputs) -> Iterator[_Seen]:
    if inputs.fleet is None or inputs.event is None:
        return
    for row, rule in enumerate(inputs.fleet.rules):
        if rule.profile is None:
            continue
        grid, reasons = inputs.context.grid(rule, inputs.event, inputs.fleet.series)
        values = inputs.fleet.history_kwh[row]
        usable = [index for index, reason in enumerate(reasons) if not reason][:LIKE_DAYS]
        like = grid.reference_values(values)[usable]
        yield _Seen(row, grid, [grid.dates[index] for index in usable], like, grid.actual_values(values))


def _of_device(inputs: DayInputs, one: _Seen, offered: frozenset[date]) -> Iterator[Sign]:
    first = one.grid.n_event
    scores = {Kind.RAISED_AFTER_NOTICE: _jump(inputs, one)}
    if first < one.day_kwh.size:
        window = one.like_kwh[:, first:].mean(axis=1)
        scores[Kind.WINDOW_RAISED] = guards.z_score(float(one.day_kwh[first:].mean()), window)
    near = np.array([day in offered for day in one.like_days], dtype=bool)
    if near.any():
        scores[Kind.RAISED_NEAR_OFFERS] = guards.raised_near_offers(one.event_kwh[near], one.event_kwh[~near])
    for kind, score in scores.items():
        if score > LIMIT_Z:
            evidence: dict[str, Any] = {"z": round(score, 2), "like_days": len(one.like_days)}
            if kind == Kind.RAISED_NEAR_OFFERS:
                evidence["offered_days"] = [day.isoformat() for day in one.like_days if day in offered]
            yield Sign(kind, one.row, evidence)


def _jump(inputs: DayInputs, one: _Seen) -> float:
    """The rise after notice: the first award of the day told of the event."""
    fleet, day = inputs.fleet, inputs.day
    assert fleet is not None
    told = min(award.awarded_at for award in inputs.awards)
    notice = int((told - day.start) / timedelta(minutes=day.step_minutes))
    if notice <= 0 or not one.like_days:
        return float("nan")
    size = fleet.event.start

    def of_day(first: int) -> FloatArray:
        part = fleet.history_kwh[one.row][max(first, 0) : max(first, 0) + size]
        return part if part.size == size else np.full(size, np.nan)

    like = np.array([of_day(one.grid.midnight_index(date)) for date in one.like_days])
    return guards.jump_after_notice(of_day(fleet.first), like, notice, size)


def _offered_days(inputs: DayInputs) -> frozenset[date]:
    """Earlier days of the look-back with an offer of the portfolio that nobody took."""
    since = inputs.day.date - timedelta(days=2 * LIKE_DAYS)
    days = {"portfolio": inputs.portfolio, "delivery_date__gte": since, "delivery_date__lt": inputs.day.date}
    offered = Bid.objects.filter(**days, submitted_at__isnull=False).exclude(product__kind__startswith="RESERVE")
    taken = Award.objects.standing_at(inputs.as_of).filter(bid__in=offered)
    dispatched = taken.values_list("bid__delivery_date", flat=True)
    return frozenset(offered.values_list("delivery_date", flat=True)) - frozenset(dispatched)


def _paired(inputs: DayInputs, seen: Sequence[_Seen]) -> Iterator[Sign]:
    """Sites of one owner that move against each other in the event."""
    moved: dict[int, list[tuple[int, float]]] = {}
    for one in seen:
        usual = float(np.nanmean(one.event_kwh)) if np.any(~np.isnan(one.event_kwh)) else float("nan")
        shift = float(one.day_kwh[: one.grid.n_event].sum()) - usual
        moved.setdefault(int(inputs.devices.owner_id[one.row]), []).append((one.row, shift))
    for rows in moved.values():
        if len({int(inputs.devices.site_id[row]) for row, _ in rows}) > 1:
            shifts = np.nan_to_num(np.array([shift for _, shift in rows]), nan=0.0)
            for low, high in guards.shifted_pairs(shifts, LEAST_SHIFT_KWH):
                evidence = {"other": inputs.devices.code[rows[high][0]], "kwh": [shifts[low], shifts[high]]}
                yield Sign(Kind.PAIRED_SITES, rows[low][0], evidence)


def _repeated(run: SettlementRun, inputs: DayInputs, seen: Sequence[_Seen]) -> Iterator[Sign]:
    """The adjustment of event after event, newest settled runs of the portfolio, always upward."""
    if not seen:
        return
    runs = SettlementRun.objects.filter(portfolio=run.portfolio, delivery_date__lte=run.delivery_date).newest()
    rows = (
        Performance.objects.filter(run__in=runs)
        .order_by("-run__delivery_date", "pk")
        .values_list("run__delivery_date", "explanation")
    )
    by_date: dict[date, float] = {}
    for day, explanation in rows.iterator(chunk_size=200):
        if len(by_date) == OFFSET_EVENTS and day not in by_date:
            break
        by_date.setdefault(day, _offset_pu(explanation.get("baselines", [])))
    addends = [by_date[day] for day in sorted(by_date)]
    score = guards.repeated_offset(addends)
    if score > LIMIT_Z and addends[-1] > 0:
        shares = [round(value, 4) for value in addends if not np.isnan(value)]
        for row in _first_device_of_each_owner(inputs, seen):
            yield Sign(Kind.REPEATED_OFFSET, row, {"z": round(score, 2), "adjustments_pu": shares})


def _first_device_of_each_owner(inputs: DayInputs, seen: Sequence[_Seen]) -> list[int]:
    owners: dict[int, int] = {}
    for one in seen:
        owners.setdefault(int(inputs.devices.owner_id[one.row]), one.row)
    return sorted(owners.values())


def _offset_pu(groups: Sequence[dict[str, Any]]) -> float:
    """Relative adjustment of the largest day-matched group of a run; NaN if none was adjusted."""
    matched = [group for group in groups if group.get("level") == "portfolio"]
    adjusted = [group for group in matched if group["adjustment"]["kind"] != "none"]
    if not adjusted:
        return float("nan")
    group = max(adjusted, key=lambda one: int(one["devices"]))
    applied = float(group["adjustment"]["applied"])
    if group["adjustment"]["kind"] == "multiplicative":
        return applied - 1
    mean = float(np.mean([value for value in group["unadjusted_kwh"] if value is not None] or [0.0]))
    return applied / mean if mean > 0 else float("nan")
