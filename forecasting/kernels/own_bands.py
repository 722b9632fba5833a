"""Quantiles of a series from its own last weeks: residuals of its blend, and the values themselves.

Where no week is followed (sun, wind) three months are looked at, days of alike weather first (`weather_kernel`), and of
the values those that were forecast alike: a forecast of no wind has another distribution than one of a storm. Past days
are put in order once; each day that is asked for weighs those it may know.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from forecasting.kernels.arrays import Floats
from forecasting.kernels.naive import Days
from forecasting.kernels.weather_kernel import alike_days

DECILES = np.arange(1, 10) / 10
SAME_TYPE = 3.0
VALUES, RESIDUALS = (28, np.inf), (56, 28.0)  # days and their half-life: an error outlives the season of its values
WEATHER = (100, 50.0)
ALIKE, ALIKE_FLOOR = 0.15, 0.3  # width of the bell around a forecast, of it plus so much of the usual one

_Kind = TypeVar("_Kind", bound=np.generic)


class OwnBands:
    """Deciles of the days of a class from `first` on, each from what was known at its own issue."""

    def __init__(self, days: Days, blend: Floats, first: int, *, reach: int) -> None:
        """reach : neighbouring slots that count as the same value, on each side; of residuals one."""
        self.days, self.blend = days, blend
        self.weather = not days.types.any()
        self.of_residuals, self.of_values = (WEATHER, WEATHER) if self.weather else (RESIDUALS, VALUES)
        self.alike = alike_days(days) if self.weather else None
        self.start = max(first - self.of_residuals[0] - days.lead, 0)
        span = slice(self.start, max(days.issue_day, 1))
        values, then, seen = days.values[:, span], blend[:, span], days.seen[:, span]
        self.usual = np.abs(then)  # (N, D, S)
        self._residuals = _Pool.of(values - then, seen, reach=1)
        self._values = _Pool.of(values, seen, reach=reach, then=then if self.weather else None)

    def around(self, day: int) -> Floats:
        """(N, S, 9) the blend of a day plus its residuals."""
        missed = self._residuals.deciles(*self._known(day, self.of_residuals))
        return bounded(self.blend[:, day, :, None] + missed, self.days)

    def values(self, day: int) -> Floats:
        """(N, S, 9) of the values of the same slots; of sun and wind those of days forecast alike."""
        first, weight = self._known(day, self.of_values)
        if not self.weather:
            return self._values.deciles(first, weight)
        now = self.blend[:, day]
        usual = self.usual[:, first : first + len(weight)].mean(axis=(1, 2))
        width = ALIKE * (np.abs(now) + ALIKE_FLOOR * usual[:, None]) + np.float32(1e-9)
        return self._values.deciles(first, weight, alike=(now, width))

    def _known(self, day: int, memory: tuple[int, float]) -> tuple[int, Floats]:
        """The first day that counts and the weights (R,) of it and those after."""
        lead, (length, half_life) = self.days.lead, memory
        past = np.arange(max(day - length - lead, 0), max(day - lead, 1))
        if self.alike is None:
            counts = np.where(self.days.types[past] == self.days.types[day], SAME_TYPE, 1.0)
        else:
            counts = self.alike[day, past]
        return int(past[0]) - self.start, (counts * 0.5 ** ((day - past) / half_life)).astype(np.float32)


@dataclass(frozen=True)
class _Pool:
    """Values of each slot and its neighbours over all days in ascending order (N, S, R), with the day of each, whether
    it was measured, and what was forecast there."""

    ordered: Floats
    day: NDArray[np.int16]
    seen: NDArray[np.bool_]
    then: Floats | None

    @classmethod
    def of(cls, values: Floats, seen: NDArray[np.bool_], *, reach: int, then: Floats | None = None) -> "_Pool":
        whole = _beside(values, reach)
        order = np.argsort(whole, axis=2)
        ordered, measured = np.take_along_axis(whole, order, axis=2), np.take_along_axis(_beside(seen, reach), order, 2)
        forecast = None if then is None else np.take_along_axis(_beside(then, reach), order, axis=2)
        return cls(ordered, (order % values.shape[1]).astype(np.int16), measured, forecast)

    def deciles(self, first: int, weight: Floats, *, alike: tuple[Floats, Floats] | None = None) -> Floats:
        """(N, S, 9) over the days from the first on with these weights (R,); alike: a forecast and a width (N, S)."""
        shape = (*self.ordered.shape[:2], -1)
        inside = (self.day >= first) & (self.day < first + len(weight))
        ordered = self.ordered[inside].reshape(shape)
        mass = weight[self.day[inside] - first].reshape(shape) * self.seen[inside].reshape(shape)
        if alike is not None and self.then is not None:
            now, width = alike
            apart = (self.then[inside].reshape(shape) - now[..., None]) / width[..., None]
            mass = mass * (np.exp(-(apart**2) / 2) + np.float32(1e-6))
        mass = np.where(mass.any(axis=2, keepdims=True), mass, np.float32(1))
        upto = np.cumsum(mass, axis=2)
        return _read_off(ordered, (upto - mass / 2) / upto[..., -1:])


def _beside(values: NDArray[_Kind], reach: int) -> NDArray[_Kind]:
    """(N, D, S) to (N, S, R): what each slot and its neighbours had, five of the quarter hours or the hours beside."""
    by_slot = np.moveaxis(values, 1, 2)
    shifts = range(-reach, reach + 1, max(reach // 2, 1))
    return np.concatenate([np.roll(by_slot, shift, axis=1) for shift in shifts], axis=2)


def _read_off(ordered: Floats, reached: Floats) -> Floats:
    """(N, S, 9) the first of the ordered values (N, S, R) at which so much of the mass is reached."""
    rows, length = ordered.reshape(-1, ordered.shape[2]), ordered.shape[2]
    base = np.arange(len(rows))[:, None]
    place = np.searchsorted((reached.reshape(rows.shape) + base).reshape(-1), (base + DECILES).reshape(-1))
    place = np.clip(place.reshape(len(rows), -1) - base * length, 0, length - 1)
    found: Floats = np.take_along_axis(rows, place, axis=1).reshape(*ordered.shape[:2], len(DECILES))
    return found


def bounded(deciles: Floats, days: Days) -> Floats:
    """Not below 0 where no known value was."""
    lowest = days.values[:, : days.issue_day + 1].min(axis=(1, 2))
    found: Floats = np.maximum(deciles, np.where(lowest < 0, -np.inf, 0)[:, None, None].astype(np.float32))
    return found


def at_levels(deciles: Floats, levels: Floats) -> Floats:
    """(..., Q) quantiles at any levels from deciles (..., 9): straight lines on the normal scale, also beyond."""
    known, wanted = norm.ppf(DECILES), norm.ppf(levels)
    right = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    part = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    found: Floats = deciles[..., right - 1] * (1 - part) + deciles[..., right] * part
    return np.sort(found, axis=-1)
