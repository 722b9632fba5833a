"""What series answer to regressors known in advance (temperature, irradiance): one regression a slot, over all days.

Each column comes as its value, its mean of the last day and of the last three, each bent at three knots, so that cold
and heat may both add load and a building may lag behind the weather; straight lines go on where trees would stop, in a
summer hotter than any known day. Coefficients of a series are drawn to those of its class (ridge to the pooled mean).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import Days

KNOTS = (0.2, 0.5, 0.8)
HALF_LIFE_DAYS = 90.0
RIDGE = 1.0
POOLING = 5.0  # days of the class that a series' own days are weighed against
BESIDE = 0.5  # weight of the slots one hour before and after
LEAST_DAYS = 14
REFIT_DAYS = 2
MOST_COLUMNS = 3
REMAINDER_DAYS, REMAINDER_HALF_LIFE, REMAINDER_SHARE = 14, 5.0, 0.6
FARTHEST = 1.3  # of the largest known value


def response_days(days: Days, outside: Floats) -> Floats:
    """(2, N, D, S) what regressors say of every day, from what was known at its own issue: plain, and corrected by the
    errors of the days before. outside (K, D, S) complete up to the target."""
    table = _design(outside[:MOST_COLUMNS], days)
    level = np.abs(days.values[:, : max(days.issue_day, 1)]).mean(axis=(1, 2)) + 1e-9
    scaled = days.values / level[:, None, None]
    plain = _regressed(table, scaled, days) * level[:, None, None]
    known = days.values[:, : max(days.issue_day, 1)]
    low = np.minimum(known.min(axis=(1, 2)), 0) * FARTHEST
    high = np.maximum(known.max(axis=(1, 2)), 0) * FARTHEST
    both = np.stack([plain, _corrected(plain, days)])
    found: Floats = np.clip(both, low[None, :, None, None], high[None, :, None, None]).astype(np.float32)
    return found


def _design(outside: Floats, days: Days) -> Floats:
    """(D, S, P) rows: level, day type, and each column bent at its knots, as it is and smoothed."""
    shape = outside.shape[1:]
    columns = [np.ones(shape)]
    columns += [
        np.repeat((days.types == kind)[:, None], shape[1], axis=1) for kind in (1, 2) if (days.types == kind).any()
    ]
    for column in outside.astype(np.float64):
        centre, spread = column.mean(), column.std() + 1e-9
        knots = np.quantile(column[: max(days.issue_day, 1)], KNOTS)
        for one in (column, _trailing_mean(column, 1), _trailing_mean(column, 3)):
            columns += [(one - centre) / spread, *(np.maximum(one - knot, 0) / spread for knot in knots)]
    return np.stack(columns, axis=2).astype(np.float64)


def _trailing_mean(column: Floats, n_days: int) -> Floats:
    """(D, S) mean over so many days up to each slot; fewer at the beginning."""
    flat, length = column.reshape(-1), n_days * column.shape[1]
    total = np.concatenate([[0.0], np.cumsum(flat)])
    end = np.arange(1, len(flat) + 1)
    start = np.maximum(end - length, 0)
    found: Floats = ((total[end] - total[start]) / (end - start)).reshape(column.shape)
    return found


@dataclass
class _Moments:
    """Weighted sums over the days seen so far: gram (S, P, P) and cross (S, P, N)."""

    gram: Floats
    cross: Floats
    hour: int

    def add(self, rows: Floats, goal: Floats) -> None:
        """rows (S, P), goal (N, S) of one more day; all before count a little less."""
        fade = 0.5 ** (1 / HALF_LIFE_DAYS)
        self.gram = fade * self.gram + rows[:, :, None] * rows[:, None, :]
        self.cross = fade * self.cross + rows[:, :, None] * goal.T[:, None, :]

    def coefficients(self) -> Floats:
        """(S, P, N), those of a series drawn to the mean of all."""
        gram, cross = self._around(self.gram), self._around(self.cross)
        size = gram.shape[1]
        ridge = RIDGE * np.eye(size)
        ridge[0, 0] = 0.01
        common = np.linalg.solve(gram + ridge, cross.mean(axis=2, keepdims=True))
        found: Floats = np.linalg.solve(gram + ridge + POOLING * np.eye(size), cross + POOLING * common)
        return found

    def _around(self, sums: Floats) -> Floats:
        beside: Floats = sums + BESIDE * (np.roll(sums, self.hour, axis=0) + np.roll(sums, -self.hour, axis=0))
        return beside


def _regressed(table: Floats, scaled: Floats, days: Days) -> Floats:
    n_series, n_days, n_slots = scaled.shape
    size = table.shape[2]
    moments = _Moments(np.zeros((n_slots, size, size)), np.zeros((n_slots, size, n_series)), max(n_slots // 24, 1))
    out = scaled.copy()
    added, coefficients = 0, None
    for day in range(n_days):
        while added < day - days.lead:
            moments.add(table[added], scaled[:, added])
            added += 1
        if added < LEAST_DAYS:
            out[:, day] = scaled[:, max(added - 1, 0)]
            continue
        if coefficients is None or (days.target - day) % REFIT_DAYS == 0:
            coefficients = moments.coefficients()
        out[:, day] = np.matmul(table[day][:, None, :], coefficients)[:, 0].T
    return out


def _corrected(plain: Floats, days: Days) -> Floats:
    """plain plus part of its errors of the last days: half of the slot's own, half of the day's mean."""
    error = days.values - plain
    out = plain.copy()
    for day in range(LEAST_DAYS + days.lead + 2, plain.shape[1]):
        past = np.arange(max(day - days.lead - REMAINDER_DAYS, 0), day - days.lead)
        weight = 0.5 ** ((past[-1] - past) / REMAINDER_HALF_LIFE)
        by_slot = np.einsum("ndS,d->nS", error[:, past], weight / weight.sum())
        out[:, day] += REMAINDER_SHARE * (by_slot + by_slot.mean(axis=1, keepdims=True)) / 2
    return out
