"""Deciles of one class of series for one local day: own blend and bands, boosted pool, weighed by what came true.

The pool is fitted on the days before an anchor, a Monday one to two weeks ago; the days since then were not seen by it
and say how much it is worth for each series, and how wide the band must be.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels import pooled
from forecasting.kernels.admission import answering
from forecasting.kernels.arrays import Floats
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import SeriesClass
from forecasting.kernels.members import members_and_blend
from forecasting.kernels.memory import Memory
from forecasting.kernels.mixing import band_factors, mixing_weights
from forecasting.kernels.naive import Days, fill_days
from forecasting.kernels.own_bands import DECILES
from forecasting.kernels.own_deciles import WARM_DAYS, half_and_half, own_deciles

TRAINING_DAYS = (28, 120)
CHOICE = 8  # candidate rows for each row that a fit uses
WARM_SPAN_DAYS = 60  # weeks before the first training day that its features depend on
LEAST_TRAINING_DAYS = 14
POOL_ROWS = 14_000
POOL_ROUNDS = 45
HELD_DAYS = 7
TOWARDS_BLEND = 0.5 * (1 - np.abs(DECILES - 0.5) / 0.4)  # sun and wind: the blend hits the middle best, the ends stay
NIGHT_PU = 0.002
LEVEL_FLOOR_PU = 0.01
SERIES_CHUNK = 250


def training_days(n_series: int, n_slots: int) -> int:
    """Days that a fit draws its rows from: many series need fewer days."""
    rows = min(n_series, SERIES_CHUNK) * n_slots
    return int(np.clip(CHOICE * POOL_ROWS // max(rows, 1), *TRAINING_DAYS))


def history_days(n_series: int, n_slots: int) -> int:
    """Days of history that a forecast looks at."""
    return training_days(n_series, n_slots) + WARM_SPAN_DAYS + 20


@dataclass(frozen=True)
class ClassHistory:
    """grid (N, D, S) cleaned, production positive; capacity_kw (N,); outside (K, D', S) to the target day."""

    grid: DayGrid
    kind: SeriesClass
    capacity_kw: Floats
    signed: bool
    outside: Floats


def class_deciles(history: ClassHistory, target_day: int, memory: Memory, *, seed: int) -> Floats:
    """(N, S, 9) deciles of the target day, finite, ascending, within limits."""
    days = _days_of(history, target_day)
    anchor = _anchor(history.grid, days.issue_day)
    parts = []
    model: pooled.PooledModel | None = None
    unseen = anchor if anchor < days.issue_day else WARM_DAYS  # a pool fitted up to the issue has no unseen days
    held = np.arange(max(days.issue_day - HELD_DAYS, unseen), days.issue_day)
    for start in range(0, len(days.values), SERIES_CHUNK):
        chunk = slice(start, start + SERIES_CHUNK)
        known = _known(history, days.of(chunk), anchor)
        if not start:
            model = _pool(history, known, anchor, memory, seed)
        if len(held):
            mixed = _mixed(known, model, held, history.kind)
        else:
            mixed = half_and_half(known, days.target)
        parts.append(_limited(history, mixed, chunk))
    return np.concatenate(parts) if parts else np.zeros((0, history.grid.slots_per_day, len(DECILES)))


def _days_of(history: ClassHistory, target_day: int) -> Days:
    grid = history.grid
    unknown = target_day - grid.issue_day
    values = np.pad(grid.values, ((0, 0), (0, unknown), (0, 0)), constant_values=np.nan)
    types = grid.types_until(target_day) if history.kind.follows_week else np.zeros(target_day + 1, np.int64)
    return Days(fill_days(values).astype(np.float32), np.isfinite(values), types, grid.issue_slot, unknown)


def _learned(days: Days, anchor: int) -> slice:
    """The days before the anchor that a fit depends on."""
    return slice(max(anchor - training_days(*days.values.shape[::2]) - WARM_SPAN_DAYS, 0), anchor)


def _anchor(grid: DayGrid, issue_day: int) -> int:
    """The Monday before last week's end; the issue day itself where that leaves too little to learn from."""
    number = int(grid.dates[issue_day].astype("datetime64[D]").astype(np.int64)) + 3
    anchor = issue_day - number % 7 - 7
    return anchor if anchor >= WARM_DAYS + LEAST_TRAINING_DAYS else issue_day


def _known(history: ClassHistory, days: Days, anchor: int) -> pooled.Known:
    before = np.abs(days.values[:, _learned(days, max(anchor, 1))])
    level_kw = np.maximum(before.mean(axis=(1, 2)), LEVEL_FLOOR_PU * before.max(axis=(1, 2))) + np.float32(1e-6)
    members, blend = members_and_blend(days, history.kind)
    outside, members, blend = answering(days, members, blend, level_kw, history.outside)
    numbers = (history.grid.dates[0].astype("datetime64[D]").astype(np.int64)) + np.arange(days.target + 1)
    return pooled.Known(days, members, blend, level_kw, (numbers + 3) % 7, outside)


def _pool(
    history: ClassHistory, known: pooled.Known, anchor: int, memory: Memory, seed: int
) -> pooled.PooledModel | None:
    days = known.days
    if not history.kind.gradient or days.issue_day < WARM_DAYS + LEAST_TRAINING_DAYS:
        return None
    training = np.arange(max(WARM_DAYS, anchor - training_days(*days.values.shape[::2])), anchor)
    span = slice(max(training[0] - WARM_SPAN_DAYS, 0), anchor)
    model: pooled.PooledModel | None = memory.get(
        lambda: pooled.fit(known, training, rows=POOL_ROWS, rounds=POOL_ROUNDS, seed=seed),
        history.kind.name, seed, days.lead, days.issue_slot, len(training), known.weekday[span], days.types[span],
        days.values[:, span], days.seen[:, span], known.outside[:, span], known.blend[:, training], known.level_kw,
    )  # fmt: skip
    return model


def _mixed(known: pooled.Known, model: pooled.PooledModel | None, held: NDArray[np.int64], kind: SeriesClass) -> Floats:
    """Own and pooled deciles by the weights that would have been best on the held days, then the band made to fit."""
    seen, actual, own = known.days.seen[:, held], known.days.values[:, held], own_deciles(known, held)
    mixed, past = own.ahead, own.held
    if model is not None:
        boosted = np.stack([pooled.deciles(model, known, int(day)) for day in held], axis=1)
        weight = mixing_weights(actual, seen, own.held, boosted)
        steady = (own.ahead[..., -1] - own.ahead[..., 0]).max(axis=1) <= 0
        weight = np.where(steady, 0, weight)
        part = weight[:, None, None]
        mixed = (1 - part) * own.ahead + part * pooled.deciles(model, known, known.days.target)
        past = (1 - part[..., None]) * own.held + part[..., None] * boosted
    middle = mixed[..., 4:5]
    idle = kind.may_idle and kind.follows_week
    found = middle + (mixed - middle) * band_factors(actual, seen, past, idle=idle, daylight=kind.daylight)
    if kind.follows_week:
        return found
    moved: Floats = found + TOWARDS_BLEND * (known.blend[:, known.days.target, :, None] - middle)
    return moved


def _limited(history: ClassHistory, deciles: Floats, chunk: slice) -> Floats:
    """Within capacity; exactly 0 in slots that were dark for a month, their neighbours included."""
    capacity = history.capacity_kw[chunk, None, None]
    bounded = np.clip(deciles, -capacity if history.signed else 0, capacity)
    if history.kind.daylight:
        month = history.grid.values[chunk, -31:]
        dark = np.where(np.isfinite(month), month, 0).max(axis=1) <= NIGHT_PU * history.capacity_kw[chunk, None]
        night = dark & np.roll(dark, 1, axis=1) & np.roll(dark, -1, axis=1)
        bounded = np.where(night[..., None], 0, bounded)
    return np.sort(bounded, axis=2)
