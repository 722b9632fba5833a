"""Day-ahead prices: boosting and a linear model of the last days, with or without published regressors.

Prices of whole local days up to the day before the target are known. The mean of gradient boosting on the deviation
from the 7-day mean (squared and absolute loss, up to three years), of LEAR, one Lasso an hour, on eight weeks, one year
and three, and of a regression with ARMA errors, by their errors of a month and two that they had not seen, halfway to
equal weights. Quantiles from the same errors, by hour and by how restless the last week was. Models are fitted on the
days before a Monday; the ARMA errors are filtered up to the last known day.
Lago et al. (2021), Applied Energy 293, doi:10.1016/j.apenergy.2021.116983 (LEAR and its regressors).
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.calendar import DayGrid, local_clock, to_day_grid
from forecasting.kernels.combine import score_weights
from forecasting.kernels.memory import Memory
from forecasting.kernels.price_kernel import kernel_prices
from forecasting.kernels.price_models import PriceTable, by_hour, fit_models, predict, price_table
from forecasting.kernels.series import RegularSeries

Array = NDArray[np.float64]

LEAST_DAYS = 49
LONGEST_DAYS = 1092
CALIBRATION_CYCLE = 28
KERNEL_SHARE = 0.5


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
    monday = _whole_cycles(grid, first, 7) - start
    older = _whole_cycles(grid, first, CALIBRATION_CYCLE) - CALIBRATION_CYCLE - start
    least = LEAST_DAYS - 14
    monday, older = max(monday, min(known, least)), max(older, min(known - 14, least))
    held = np.arange(older, known)
    families, ahead = _predicted(table, older, held, memory), _predicted(table, monday, np.array([target]), memory)
    kernel_ahead, kernel_past = kernel_prices(table, known, target)
    weights = score_weights(np.abs(families - table.prices[held]).mean(axis=(1, 2))[:, None])[:, 0]
    past = _with_kernel(families, weights, kernel_past[held])
    mean = _with_kernel(ahead, weights, kernel_ahead[None])[0]
    restless = _restlessness(table)
    scaled = (table.prices[held] - past) / restless[held, None]
    return mean[:, None] + restless[target] * _error_quantiles(scaled, levels)


def _with_kernel(families: Array, weights: Array, kernel: Array) -> Array:
    """(V, S) families (M, V, S) by their weights, and the kernel's hours (V, 24) in their shape inside the hour."""
    together = np.tensordot(weights, families, axes=1)
    per_hour = together.shape[1] // 24
    mixed: Array = together + KERNEL_SHARE * np.repeat(kernel - by_hour(together), per_hour, axis=1)
    return mixed


def _predicted(table: PriceTable, until: int, wanted: NDArray[np.int64], memory: Memory) -> Array:
    """(3, V, S) of models fitted on the table's days before `until`, each shifted back to the prices' own scale."""
    models = memory.get(
        lambda: fit_models(table, until), table.boosted[:until], table.wide[:until], table.prices[:until]
    )
    return predict(models, table, wanted)


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
