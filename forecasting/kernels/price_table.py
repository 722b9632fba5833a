"""What is known of each day before its prices are: late prices, regressors and their changes, as rows for models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LAGS = (1, 2, 3, 7, 14)


@dataclass(frozen=True)
class PriceTable:
    """prices (D, S), base (D, S) mean of the last week, boosted (D, S, F), wide (D, G) and weekday dummies (D, 7).

    Row d holds only what is known when day d is forecast. spread (D,): mean deviation within the week before.
    outside (D, 24, K): regressors by the hour, known in advance; weekday (D,); lead: unknown days before each day.
    """

    prices: Array
    base: Array
    boosted: Array
    wide: Array
    dummies: Array
    spread: Array
    outside: Array
    weekday: NDArray[np.int64]
    lead: int


def price_table(prices: Array, regressors: Array, weekday: NDArray[np.int64], lead: int) -> PriceTable:
    """prices (D, S), regressors (D, S, K); lead: days between the first unknown day and the forecast one."""
    n_days, n_slots = prices.shape
    week = np.stack([shifted(prices, lag + lead) for lag in range(1, 8)])
    base = week.mean(axis=0)
    columns = [*_late_prices(prices, week, lead), *_regressor_columns(regressors)]
    columns += [np.repeat(np.arange(n_slots)[None], n_days, axis=0), np.repeat(weekday[:, None], n_slots, axis=1)]
    boosted = np.stack([np.asarray(column, dtype=float) for column in columns], axis=2)
    outside = [by_hour(one) for one in np.moveaxis(regressors, 2, 0)]
    wide = [by_hour(shifted(prices, lag + lead)) for lag in LAGS[:4]]
    wide += [shifted(one, lag) for one in outside for lag in (0, 1, 7)]
    spread = np.abs(week - base).mean(axis=(0, 2))
    each_hour = np.stack(outside, axis=2) if outside else np.zeros((n_days, 24, 0))
    return PriceTable(
        prices, base, boosted, np.concatenate(wide, axis=1), np.eye(7)[weekday], spread, each_hour, weekday, lead
    )


def _late_prices(prices: Array, week: Array, lead: int) -> list[Array]:
    """(D, S) each: the prices of the known days before, by the slot and by the day; week (7, D, S)."""
    n_slots, base, before = prices.shape[1], week.mean(axis=0), shifted(prices, 1 + lead)
    by_slot = [shifted(prices, lag + lead) - base for lag in LAGS]
    by_slot += [week.std(axis=0), week.min(axis=0) - base, week.max(axis=0) - base, base]
    evening = before[:, 3 * n_slots // 4 :]
    by_day = [
        before.mean(1), before.min(1), before.max(1), before[:, -1], evening.mean(1), base.mean(1),
        before.mean(1) - shifted(prices, 2 + lead).mean(1), before.mean(1) - shifted(prices, 7 + lead).mean(1),
    ]  # fmt: skip
    return by_slot + [_all_day(one, n_slots) for one in by_day]


def _regressor_columns(regressors: Array) -> list[Array]:
    """(D, S) each: every regressor and, of two, their difference, with changes by the day, the week and the hour."""
    n_slots = regressors.shape[1]
    outside, hour = list(np.moveaxis(regressors, 2, 0)), max(n_slots // 24, 1)
    if len(outside) == 2:
        outside.append(outside[0] - outside[1])
    columns = []
    for one in outside:
        usual = np.mean([shifted(one, lag) for lag in range(1, 8)], axis=0)
        columns += [one, one - shifted(one, 1), one - shifted(one, 7), one - usual]
        columns += [np.roll(one, hour, axis=1) - one, np.roll(one, -hour, axis=1) - one]
        columns += [_all_day(part, n_slots) for part in (one.mean(1), (one - usual).mean(1))]
    return columns


def _all_day(values: Array, n_slots: int) -> Array:
    """(D,) to (D, S)."""
    return np.repeat(values[:, None], n_slots, axis=1)


def by_hour(values: Array) -> Array:
    """(..., S) to (..., 24) hourly means."""
    found: Array = values.reshape(*values.shape[:-1], 24, -1).mean(axis=-1)
    return found


def shifted(values: Array, days: int) -> Array:
    """Value of `days` days before; the first days repeat the first."""
    index = np.maximum(np.arange(len(values)) - days, 0)
    return values[index]
