"""Day-ahead prices: a Gaussian process and three families of models of the last days, with or without regressors.

Prices of whole local days up to the day before the target are known. Half is the Gaussian process (`price_kernel`), new
every day. The other half is the mean of gradient boosting on the deviation from the 7-day mean (squared and absolute
loss, up to three years; beside regressors one column is what the process said of each day from those before it), of
LEAR, one Lasso an hour, on eight weeks, one year and three, and of a regression with ARMA errors; these are fitted on
the days before a Monday, the ARMA errors filtered up to the last known day. Quantiles from what the process would have
missed on the last two months' days, by hour and by how restless the last week was.
Lago et al. (2021), Applied Energy 293, doi:10.1016/j.apenergy.2021.116983 (LEAR and its regressors).
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.calendar import DayGrid, local_clock, to_day_grid
from forecasting.kernels.memory import Memory
from forecasting.kernels.price_kernel import kernel_prices
from forecasting.kernels.price_models import fit_models, predict
from forecasting.kernels.price_table import PriceTable, by_hour, price_table
from forecasting.kernels.series import RegularSeries

Array = NDArray[np.float64]

LEAST_DAYS = 49
LONGEST_DAYS = 1092
CALIBRATION_CYCLE = 28
KERNEL_SHARE = 0.5
ERROR_DAYS = 60
FARTHEST_BEYOND = 0.5  # of the known range


def forecast_prices(
    series: RegularSeries,
    exog: RegularSeries | None,
    times: NDArray[np.datetime64],
    zone: str,
    levels: Array,
    memory: Memory,
) -> list[Array]:
    """(H, Q) per price series at naive-UTC times of one or more local days, each from the days before the first."""
    clock = local_clock(times, zone, series.step_minutes)
    grid = _days(series, times[0], zone, clock.dates[-1])
    outside = None if exog is None else _days(exog, times[-1] + np.timedelta64(1, "D"), zone, clock.dates[-1])
    first = int((clock.dates[0] - grid.dates[0]).astype(np.int64))
    place = (clock.dates - grid.dates[0]).astype(np.int64)
    found = []
    for row in range(len(series.names)):
        prices = _without_gaps(grid.values[row].astype(float), first)
        regressors = _aligned(outside, grid) if outside is not None else np.zeros((len(prices), grid.slots_per_day, 0))
        by_day = {
            int(day): _one_day(prices, regressors, grid, first, int(day), levels, memory) for day in np.unique(place)
        }
        found.append(np.array([by_day[int(day)][slot] for day, slot in zip(place, clock.slots, strict=True)]))
    return found


def _one_day(
    prices: Array, regressors: Array, grid: DayGrid, first: int, day: int, levels: Array, memory: Memory
) -> Array:
    """(S, Q) of one day; days before `first` are known."""
    lead = day - first
    start = _start(grid, first)
    if first - start < LEAST_DAYS + lead:
        return _naive(prices, first, day, levels)
    weekday = (grid.dates[start:].astype("datetime64[D]").astype(np.int64) + 3) % 7
    table = price_table(prices[start:], regressors[start:], weekday, lead)
    known, target = first - start, day - start
    monday = max(_whole_cycles(grid, first, 7) - start, min(known, LEAST_DAYS - 14))
    kernel, past = kernel_prices(table, known, target)
    families = _predicted(table, monday, target, kernel, memory)
    mean = _with_kernel(families, kernel, table.prices[:known])
    held = np.arange(max(known - ERROR_DAYS, LEAST_DAYS - 28), known)
    expected = _in_shape(past[held], table.base[held])
    restless = _restlessness(table)
    scaled = (table.prices[held] - expected) / restless[held, None]
    return mean[:, None] + restless[target] * _error_quantiles(scaled, levels)


def _with_kernel(families: Array, kernel: Array, known: Array) -> Array:
    """(S,) half the kernel's hours (24,), half the families (M, S) in equal parts, none far beyond what was known."""
    low, high = known.min(), known.max()
    reach = FARTHEST_BEYOND * (high - low)
    together = np.clip(families, low - reach, high + reach).mean(axis=0)
    mixed: Array = (1 - KERNEL_SHARE) * together + KERNEL_SHARE * _in_shape(kernel, together)
    return mixed


def _in_shape(hours: Array, shape: Array) -> Array:
    """(..., S) hours (..., 24) with the course inside the hour of another row (..., S)."""
    per_hour = shape.shape[-1] // 24
    within: Array = shape + np.repeat(hours - by_hour(shape), per_hour, axis=-1)
    return within


def _predicted(table: PriceTable, until: int, day: int, kernel: Array, memory: Memory) -> Array:
    """(3, S) by models fitted on the table's days before `until`; kernel (24,) what the process says of the day."""
    through = until + 1  # the process scales its inputs by the regressors of one day more
    models = memory.get(
        lambda: fit_models(table, until, kernel_prices(table, until, until)[1]),
        table.boosted[:until], table.wide[:until], table.prices[:until], table.outside[:through],
        table.weekday[:through],
    )  # fmt: skip
    return predict(models, table, np.array([day]), kernel[None])[:, 0]


def _start(grid: DayGrid, first: int) -> int:
    """Day from which on the history counts: whole cycles back, so that it stays for a month."""
    return max(_whole_cycles(grid, first, CALIBRATION_CYCLE) - LONGEST_DAYS, 0)


def _whole_cycles(grid: DayGrid, day: int, length: int) -> int:
    """The latest day not after `day` at which a cycle of so many days begins, counted from a fixed Monday."""
    number = int(grid.dates[0].astype("datetime64[D]").astype(np.int64)) + day + 3
    return max(day - number % length, 0)


def _restlessness(table: PriceTable) -> Array:
    """(D,) how far the days of the week before lay from their mean, halfway shrunk to the usual; never 0."""
    spread = table.spread
    usual = float(np.median(spread)) + 1e-6
    return np.asarray(0.5 + 0.5 * np.clip(spread / usual, 0.3, 4.0))


def _error_quantiles(errors: Array, levels: Array) -> Array:
    """(S, Q) quantiles of held-out errors (V, S), each slot with those of the hours around it, half of their bias."""
    n_slots = errors.shape[1]
    reach = max(n_slots // 24, 1) * 2
    pooled = np.concatenate([np.roll(errors, shift, axis=1) for shift in range(-reach, reach + 1)])
    found = np.quantile(pooled, levels, axis=0).T
    return found - np.quantile(pooled, 0.5, axis=0)[:, None] * 0.5


def _naive(prices: Array, first: int, day: int, levels: Array) -> Array:
    """Short history: the latest same weekday, else the latest day, with the spread of daily changes."""
    n_slots = prices.shape[1]
    source = next((one for one in range(day - 7, -1, -7) if one < first), first - 1)
    mean = prices[source] if source >= 0 else np.zeros(n_slots)
    changes = np.diff(prices[:first], axis=0)
    if not len(changes):
        return np.repeat(mean[:, None], len(levels), axis=1)
    return mean[:, None] + np.quantile(changes, levels)[None]


def _days(series: RegularSeries, until: np.datetime64, zone: str, last: np.datetime64) -> DayGrid:
    """Day grid up to and including the local date `last`, with what starts before `until`."""
    grid = to_day_grid(series.values, series.starts, issue=until, zone=zone, step_minutes=series.step_minutes)
    missing = int((last - grid.dates[-1]).astype(np.int64))
    values = np.pad(grid.values, ((0, 0), (0, max(missing, 0)), (0, 0)), constant_values=np.nan)
    dates = grid.dates[0] + np.arange(values.shape[1]).astype("timedelta64[D]")
    return DayGrid(values, dates, grid.issue_slot, grid.step_minutes, zone, grid.holidays)


def _aligned(outside: DayGrid, grid: DayGrid) -> Array:
    """(D, S, K) regressors on the price grid's days; a column that does not cover the target is dropped."""
    place = (grid.dates - outside.dates[0]).astype(np.int64)
    inside = (place >= 0) & (place < len(outside.dates))
    values = np.full((len(outside.values), len(place), grid.slots_per_day), np.nan)
    values[:, inside] = outside.values[:, place[inside]]
    covered = np.isfinite(values[:, -1]).mean(axis=1) > 0.9
    return (
        np.stack([_without_gaps(one, len(one)) for one in values[covered]], axis=2)
        if covered.any()
        else (np.zeros((len(place), grid.slots_per_day, 0)))
    )


def _without_gaps(values: Array, known: int) -> Array:
    """Gaps of known days (D, S) filled along the day, then from the day before; unknown days stay 0."""
    import pandas as pd

    filled = pd.DataFrame(values[:known]).interpolate(axis=1, limit_direction="both").ffill().bfill().fillna(0.0)
    out = np.zeros_like(values)
    out[:known] = filled.to_numpy()
    return out
