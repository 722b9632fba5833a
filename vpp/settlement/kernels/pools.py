"""Which like days are collected, topped up and picked."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.candidates import Candidates
from vpp.settlement.kernels.grid import EventGrid
from vpp.settlement.kernels.profiles import MethodProfile, PoolRule

SPARE = frozenset({"event_day", "outage_day"})


def collect(
    candidates: Candidates, profile: MethodProfile, rule: PoolRule, pool: str, grid: EventGrid, values_kwh: FloatArray
) -> list[int]:
    """The y most recent days that may serve, after the profile's low-use filter; all of them where days decay."""
    eligible = [index for index, reason in enumerate(candidates.reasons) if not reason]
    if profile.pick == "decay":
        return eligible
    if profile.low_use_rule == "pool_mean" and pool not in profile.low_use_exempt:
        collected = _above_pool_mean(candidates, eligible, rule.collect, profile.low_use_share)
    elif profile.low_use_rule == "running_level" and pool not in profile.low_use_exempt:
        collected = _above_running_level(candidates, eligible, rule.collect, profile, grid, values_kwh)
    else:
        collected = eligible[: rule.collect]
    if len(collected) >= rule.collect:  # older days were never looked at
        candidates.looked_at = collected[-1] + 1
        candidates.reasons[candidates.looked_at :] = [""] * (len(candidates.reasons) - candidates.looked_at)
    return collected


def _above_pool_mean(candidates: Candidates, eligible: list[int], collect_days: int, share: float) -> list[int]:
    """Remove days under a share of the pool's mean event energy and refill, until stable (PJM Manual 11)."""
    remaining = list(eligible)
    while True:
        pool = remaining[:collect_days]
        mean = float(np.mean(candidates.event_kwh[pool])) if pool else 0.0
        low = [index for index in pool if mean > 0 and candidates.event_kwh[index] < share * mean]
        if not low:
            return pool
        for index in low:
            candidates.reasons[index] = "low_usage"
            remaining.remove(index)


def _above_running_level(
    candidates: Candidates,
    eligible: list[int],
    collect_days: int,
    profile: MethodProfile,
    grid: EventGrid,
    values_kwh: FloatArray,
) -> list[int]:
    """NYISO: skip days under a share of the mean of the seed and of every day accepted so far, in mean kW.

    The seed is the highest hourly mean kW of the 30 days up to the youngest reference day.
    """
    hours = grid.coverage.sum() * grid.series.step_s / 3600
    levels = [seed_level_kw(values_kwh, grid, profile.start_days_before)]
    accepted: list[int] = []
    for index in eligible:
        mean_kw = float(candidates.event_kwh[index]) / hours
        if mean_kw < profile.low_use_share * float(np.mean(levels)):
            candidates.reasons[index] = "low_usage"
            continue
        accepted.append(index)
        levels.append(mean_kw)
        if len(accepted) == collect_days:
            break
    return accepted


def seed_level_kw(values_kwh: FloatArray, grid: EventGrid, start_days_before: int, days: int = 30) -> float:
    """Highest hourly mean kW of the `days` local days up to day-`start_days_before`; 0 if no hour is whole."""
    youngest_end = grid.event_date - timedelta(days=start_days_before - 1)
    begin, end = (grid.midnight_index(day) for day in (youngest_end - timedelta(days=days), youngest_end))
    per_hour = max(1, 3600 // grid.series.step_s)
    window = values_kwh[max(0, begin) : max(0, end)]
    hourly = window[window.size % per_hour :].reshape(-1, per_hour).sum(axis=1)
    whole = hourly[~np.isnan(hourly)]
    return float(whole.max()) * 3600 / (per_hour * grid.series.step_s) if whole.size else 0.0


def top_up(candidates: Candidates, collected: list[int], minimum: int, *, with_outages: bool) -> list[int]:
    """Fill to the minimum with the event (or outage) days of highest event energy; ties: the more recent."""
    allowed = SPARE if with_outages else SPARE - {"outage_day"}
    spare = [
        index
        for index, reason in enumerate(candidates.reasons)
        if reason in allowed and candidates.complete[index] and index not in collected
    ]
    spare.sort(key=lambda index: (-candidates.rank_kwh[index], index))
    added = spare[: minimum - len(collected)]
    candidates.topped_up = bool(added)
    return sorted(collected + added)


def pick(
    candidates: Candidates,
    collected: list[int],
    profile: MethodProfile,
    rule: PoolRule,
    temperatures: Mapping[date, float],
    event_date: date,
) -> list[int]:
    """The x days that are averaged, in the order of the ranking; the others get the reason `not_picked`."""
    use = min(rule.use, len(collected))
    energy = candidates.rank_kwh
    if profile.pick == "highest":
        chosen = sorted(collected, key=lambda index: (-energy[index], index))[:use]
    elif profile.pick == "middle":
        chosen = _middle(collected, energy, len(collected) - use)
    elif profile.pick == "nearest_temperature":
        target = temperatures[event_date]
        distance = {index: abs(temperatures[candidates.dates[index]] - target) for index in collected}
        chosen = sorted(collected, key=lambda index: (distance[index], index))[:use]
    elif profile.pick == "nearest_load":
        chosen = sorted(collected, key=lambda index: (candidates.distance[index], index))[:use]
    else:
        chosen = collected if profile.pick == "decay" else collected[:use]
    for index in set(collected) - set(chosen):
        candidates.reasons[index] = "not_picked"
    return chosen


def day_weights(ranked: list[int], profile: MethodProfile, rule: PoolRule) -> FloatArray:
    """(K,) weights of the chosen days, most recent first, sum one."""
    if profile.pick == "decay":
        return _decaying(len(ranked), rule.collect, profile.memory)
    weights = np.ones(len(ranked))
    if rule.weights is not None:
        weights = np.resize(np.asarray(rule.weights, dtype=np.float64)[: len(ranked)], len(ranked))
        if rule.weight_order == "rank":
            weights = weights[np.argsort(ranked)]
    return weights / weights.sum()


def _decaying(count: int, first: int, memory: float) -> FloatArray:
    """Weights, most recent first, of B = mean of the first days, then B <- memory x B + (1 - memory) x M(d)."""
    later = count - first
    young = (1 - memory) * memory ** np.arange(later)
    return np.concatenate([young, np.full(first, memory**later / first)])


def _middle(collected: list[int], energy: FloatArray, drop: int) -> list[int]:
    """Drop half of `drop` at the top and half at the bottom; of a tie the oldest goes."""
    low, high = drop // 2, drop - drop // 2
    kept = list(collected)
    for _ in range(high):
        kept.remove(max(kept, key=lambda index: (energy[index], index)))
    for _ in range(low):
        kept.remove(min(kept, key=lambda index: (energy[index], -index)))
    return kept
