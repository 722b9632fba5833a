"""Profile and autoregression: how far the last hours and days carry into the target day, told by each series itself.

A regression for every two hours of the day on longer and shorter means of the slot and on the last values before the
issue; wind lives by it, a home hardly. Coefficients are drawn to those of the whole day, these to one plain mean.
Sun and wind are the same weather for a whole class and far from normal: there one regression of all series aims at
the median, by weights of the inverse absolute error (Schlossmacher, 1973, JASA 68, doi:10.1080/01621459.1973.10481336).
"""

from dataclasses import dataclass, field

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import MEMBERS, Days

LONG_DAYS = (28, 60)
LAST_HOURS = (24, 4, 1)
BLOCK_HOURS = 2
HALF_LIFE_DAYS = 150.0
RIDGE, WEATHER_RIDGE = 60.0, 20.0
NEAR_LEVELS = 0.3  # errors below it count by their square
LEAST_DAYS = 21
REFIT_DAYS = 7


def persistence_days(days: Days, members: Floats) -> Floats:
    """(N, D, S) forecasts of every day, each from what was known at its own issue; members (M, N, D, S) are naive."""
    inputs = _inputs(days, members)
    known = days.values[:, : max(days.issue_day, 1)]
    level = np.abs(known).mean(axis=(1, 2)) + np.float32(1e-9)
    out = inputs[..., 0].copy()
    scaled = inputs / level[:, None, None, None]
    scaled[..., -1] = 1
    rows, goal = _by_block(scaled), _by_block((days.values / level[:, None, None])[..., None])
    moments = _Moments(shared=not days.types.any())
    added = 0
    for day in range(days.target % REFIT_DAYS, days.target + 1, REFIT_DAYS):
        last = max(day - days.lead, 0)
        moments.add(_stacked(rows, added, last), _stacked(goal, added, last), last - added)
        added = last
        if added >= LEAST_DAYS:
            stop = min(day + REFIT_DAYS, days.target + 1)
            found = np.matmul(_stacked(rows, day, stop), moments.solve())
            out[:, day:stop] = _by_day(found, stop - day) * level[:, None, None]
    low, high = known.min(axis=(1, 2))[:, None, None], known.max(axis=(1, 2))[:, None, None]
    limited: Floats = np.clip(out, np.minimum(low, 0), high).astype(np.float32)
    return limited


@dataclass
class _Moments:
    """Weighted sums over the days seen so far: gram (N, B, P, P), cross (N, B, P, 1); shared: N is 1 for the class."""

    shared: bool
    gram: Floats = field(default_factory=lambda: np.zeros(1))
    cross: Floats = field(default_factory=lambda: np.zeros(1))
    coefficients: Floats | None = None

    def add(self, rows: Floats, goal: Floats, n_days: int) -> None:
        """rows (N, B, R, P), goal (N, B, R, 1) of some more days; all before count a little less."""
        weighted, fade = rows, 0.5 ** (n_days / HALF_LIFE_DAYS)
        if self.shared:
            expected = rows[..., :1] if self.coefficients is None else np.matmul(rows, self.coefficients)
            weighted = rows * (NEAR_LEVELS / np.maximum(np.abs(goal - expected), NEAR_LEVELS))
        gram, cross = (np.matmul(weighted.swapaxes(2, 3), one) for one in (rows, goal))
        if self.shared:
            gram, cross = gram.sum(axis=0, keepdims=True), cross.sum(axis=0, keepdims=True)
        self.gram, self.cross = fade * self.gram + gram, fade * self.cross + cross

    def solve(self) -> Floats:
        """(N, B, P, 1) per block of hours, drawn to those of the day, which are drawn to the first input alone."""
        size = self.gram.shape[-1]
        strength = WEATHER_RIDGE if self.shared else RIDGE
        ridge, plain = strength * np.eye(size), np.zeros((size, 1))
        plain[0] = strength
        whole = np.linalg.solve(self.gram.sum(axis=1) + ridge, self.cross.sum(axis=1) + plain)
        self.coefficients = np.linalg.solve(self.gram + ridge, self.cross + strength * whole[:, None])
        return self.coefficients


def _by_block(values: Floats) -> Floats:
    """(N, D, S, P) to (N, B, D, S/B, P), B blocks of hours."""
    n_series, n_days, n_slots, size = values.shape
    blocks = 24 // BLOCK_HOURS
    return np.ascontiguousarray(values.reshape(n_series, n_days, blocks, n_slots // blocks, size).swapaxes(1, 2))


def _stacked(blocks: Floats, first: int, stop: int) -> Floats:
    """(N, B, R, P) the rows of some days one below the other."""
    part = blocks[:, :, first:stop]
    return part.reshape(*part.shape[:2], -1, part.shape[-1])


def _by_day(found: Floats, n_days: int) -> Floats:
    """(N, B, R, 1) to (N, D, S)."""
    n_series, blocks = found.shape[:2]
    return found.reshape(n_series, blocks, n_days, -1).swapaxes(1, 2).reshape(n_series, n_days, -1)


def _inputs(days: Days, members: Floats) -> Floats:
    """(N, D, S, P): means of the slot, the naive members that matter, and the last values before the issue."""
    shape = days.values.shape
    long = [long_mean(days, length) for length in LONG_DAYS]
    week = [members[MEMBERS.index(name)] for name in ("mean7", "latest", "last_week")]
    suited = [members[MEMBERS.index("same_type" if days.types.any() else "median14")]]
    last = [np.broadcast_to(_before_issue(days, hours)[:, :, None], shape) for hours in LAST_HOURS]
    first = [*suited, *long] if days.types.any() else [*long, *suited]
    return np.stack([*first, *week, *last, np.ones(shape)], axis=-1, dtype=np.float64)


def long_mean(days: Days, length: int) -> Floats:
    """(N, D, S) mean of each slot over so many days known at each day's issue; fewer at the beginning."""
    total = np.cumsum(days.values, axis=1, dtype=np.float64)
    end = np.maximum(np.arange(days.values.shape[1]) - days.lead - 1, 0)
    start = np.maximum(end - length, -1)
    before = np.where((start >= 0)[None, :, None], total[:, np.maximum(start, 0)], 0.0)
    found: Floats = ((total[:, end] - before) / (end - start)[None, :, None]).astype(np.float32)
    return found


def _before_issue(days: Days, hours: int) -> Floats:
    """(N, D) mean of the hours before each day's issue."""
    values, n_slots = days.values, days.values.shape[2]
    flat = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values.reshape(len(values), -1), axis=1)], axis=1)
    end = np.maximum((np.arange(days.values.shape[1]) - days.lead) * n_slots + days.issue_slot, 1)
    start = np.maximum(end - hours * n_slots // 24, 0)
    found: Floats = ((flat[:, end] - flat[:, start]) / (end - start)).astype(np.float32)
    return found
