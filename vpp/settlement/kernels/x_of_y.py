"""The X-of-Y family: pick like days, average them, adjust to the event day.

One engine for all day-matching rules; what differs is in the `MethodProfile`. Conventions: settlement rules,
section 0 (completeness, exclusion, ranking, ties, no adjustment possible, never a silent shorter mean).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from vpp.lib.periods import from_datetime64
from vpp.settlement.kernels.adjust import adjust
from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray, Status, insufficient
from vpp.settlement.kernels.calendar import changes_clock, local_date
from vpp.settlement.kernels.candidates import Candidates, judged_candidates
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.grid import EventGrid, build_grid
from vpp.settlement.kernels.pools import collect, day_weights, pick, top_up
from vpp.settlement.kernels.profiles import MethodProfile, PoolRule
from vpp.settlement.kernels.slots import Event, Series, non_event_intervals


def grid_for(profile: MethodProfile, event: Event, series: Series, zone: ZoneInfo) -> EventGrid:
    """The slot grid of a profile, shared by all sites of one zone and series frame.

    Where days are matched by their load, the compared hours take the place of the window slots.
    """
    compared = None
    if profile.pick == "nearest_load":
        compared = non_event_intervals(event, series, zone, profile.match_skip_h)
    last_day = profile.lookback_days
    if profile.pick == "decay":  # all of the past; days before the series would only be named as missing
        begun = local_date(from_datetime64(series.start), zone)
        last_day = max(min(last_day, (local_date(event.start, zone) - begun).days), profile.start_days_before)
    return build_grid(
        event=event,
        series=series,
        zone=zone,
        windows=profile.adjustment.windows,
        first_day=profile.start_days_before,
        last_day=last_day,
        window_starts=compared,
    )


def like_day_reasons(profile: MethodProfile, grid: EventGrid, circumstances: Circumstances) -> list[str]:
    """Per reference day why it may not serve, "" where it may; readings are looked at later."""
    holidays = circumstances.holidays
    wanted = profile.calendar.event_pool_of(grid.event_date, holidays)
    excluding = wanted not in profile.exclusions_exempt
    # the event's own date is an event day too: the day before touches it when the event runs past midnight
    event_days = circumstances.event_days | {grid.event_date}
    reasons = []
    for day in grid.dates:
        touched = {day + timedelta(days=offset) for offset in grid.touched}
        if profile.calendar.pool_of(day, holidays) != wanted:
            reasons.append("other_day_type")
        elif profile.skip_clock_change_days and changes_clock(day, grid.zone):
            reasons.append("clock_change_day")
        elif touched & event_days and (excluding or grid.event_date in touched):
            reasons.append("event_day")
        elif touched & circumstances.outage_days and excluding:
            reasons.append("outage_day")
        elif profile.pick == "nearest_temperature" and day not in (circumstances.daily_max_temp or {}):
            reasons.append("no_temperature")
        else:
            reasons.append("")
    return reasons


def answer_x_of_y(
    values_kwh: FloatArray,
    grid: EventGrid,
    profile: MethodProfile,
    circumstances: Circumstances,
    reasons: Sequence[str] | None = None,
) -> BaselineAnswer:
    """One site's baseline.

    values_kwh : (T,) energy per interval of the series the grid was built on; import positive, NaN missing.
    reasons    : (D,) of `like_day_reasons`, if the caller shares them between sites.
    """
    if profile.clip_exports:
        values_kwh = np.maximum(values_kwh, 0.0)  # NaN stays NaN
    actual = grid.actual_values(values_kwh)
    event_actual = actual[: grid.n_event]
    pool = profile.calendar.event_pool_of(grid.event_date, circumstances.holidays)
    rule = profile.pools.get(pool)
    if rule is None:
        return insufficient(profile.name, grid.starts, grid.coverage, event_actual, f"no pool for day type {pool}")
    reference = grid.reference_values(values_kwh)
    judged = reasons or like_day_reasons(profile, grid, circumstances)
    candidates = judged_candidates(grid, profile, values_kwh, reference, actual, judged)
    like_days = _like_days(grid, candidates, profile, rule)
    chosen, weights, reason = _choose(candidates, profile, rule, pool, grid, values_kwh, circumstances)
    if reason:
        answer = insufficient(profile.name, grid.starts, grid.coverage, event_actual, reason)
    else:
        answer = _averaged(profile, grid, weights @ reference[chosen], actual, circumstances)
        answer = replace(answer, status=Status.OK_TOPPED_UP if candidates.topped_up else Status.OK)
    return replace(
        answer,
        selected=tuple((grid.dates[i], float(weight)) for i, weight in zip(chosen, weights, strict=True)),
        excluded=tuple((candidates.dates[i], candidates.reasons[i]) for i in candidates.passed_over(chosen)),
        like_days=like_days,
        read_dates=_read_dates(grid, candidates),
    )


def _averaged(
    profile: MethodProfile, grid: EventGrid, mean: FloatArray, actual: FloatArray, circumstances: Circumstances
) -> BaselineAnswer:
    """The like days' mean (E + W,), adjusted to what the event day's window slots (E + W,) read."""
    adjustment, adjusted = adjust(mean, actual, grid.slots, profile.adjustment, circumstances.other_events)
    return BaselineAnswer(
        status=Status.OK,
        method=profile.name,
        starts=grid.starts,
        coverage=grid.coverage,
        unadjusted_kwh=mean[: grid.n_event],
        baseline_kwh=np.maximum(adjusted, 0.0) if profile.floor_at_zero else adjusted,
        actual_kwh=actual[: grid.n_event],
        adjustment=adjustment,
    )


def _like_days(grid: EventGrid, candidates: Candidates, profile: MethodProfile, rule: PoolRule) -> tuple[date, ...]:
    """The whole like days that are at hand before any is chosen, up to the number that the rule collects."""
    whole = tuple(day for day, why in zip(grid.dates, candidates.reasons, strict=True) if not why)
    return whole if profile.pick == "decay" else whole[: rule.collect]


def _read_dates(grid: EventGrid, candidates: Candidates) -> frozenset[date]:
    """The dates whose readings decided: of every day that was looked at, and of the event day."""
    unread = ("other_day_type", "clock_change_day", "no_temperature")
    judged = zip(candidates.dates[: candidates.looked_at], candidates.reasons[: candidates.looked_at], strict=True)
    looked = {day for day, why in judged if why not in unread}
    return frozenset(day + timedelta(days=offset) for day in looked | {grid.event_date} for offset in grid.reach)


def _choose(
    candidates: Candidates,
    profile: MethodProfile,
    rule: PoolRule,
    pool: str,
    grid: EventGrid,
    values_kwh: FloatArray,
    circumstances: Circumstances,
) -> tuple[list[int], FloatArray, str]:
    """The chosen candidates (most recent first), their weights, and why they do not suffice ("" if they do)."""
    collected = collect(candidates, profile, rule, pool, grid, values_kwh)
    if len(collected) < rule.minimum and profile.topup_with_event_days:
        collected = top_up(candidates, collected, rule.minimum, with_outages=profile.topup_with_outage_days)
    if len(collected) < rule.minimum:
        equal = np.full(len(collected), 1.0 / max(len(collected), 1))
        return collected, equal, f"{len(collected)} like days, {rule.minimum} needed"
    temperatures = circumstances.daily_max_temp or {}
    if profile.pick == "nearest_temperature" and grid.event_date not in temperatures:
        return [], np.zeros(0), "no temperature for the event day"
    if profile.pick == "nearest_load" and np.isnan(candidates.distance[collected]).any():
        return [], np.zeros(0), "no reading of the event day to match"
    ranked = pick(candidates, collected, profile, rule, temperatures, grid.event_date)
    return sorted(ranked), day_weights(ranked, profile, rule), ""
