"""Histories, profiles and forecasts of sums of devices: portfolios, their pools by class, and feeders."""

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats, nan_mean
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import NET, SeriesClass
from forecasting.kernels.fleet_forecast import FleetForecast
from forecasting.kernels.ladder import Ladder, past_days
from forecasting.kernels.parts import PART_SERIES


def sum_grid(fleet: FleetForecast) -> DayGrid:
    """Histories (P + F, D, S) of all portfolios, then all feeders; NaN after the issue."""
    portfolios = np.zeros((fleet.n_portfolios, *fleet.feeder_kw.shape[1:]), dtype=np.float32)
    for part in fleet.portfolio_kw.values():
        portfolios += part
    return closed(fleet, np.concatenate([portfolios, fleet.feeder_kw]))


def closed(fleet: FleetForecast, total: Floats) -> DayGrid:
    """Sums (A, D, S) on the fleet's grid; what no device adds to is known only up to the issue as well."""
    total = total.copy()
    total[:, -1, fleet.grid.issue_slot :] = np.nan
    return fleet.grid.with_values(total)


def sums(groups: NDArray[np.int64], n_groups: int, values: Floats) -> Floats:
    """(A, ...) sums over the devices (N, ...) of each group; groups (N,) numbers, -1 counts nowhere."""
    from scipy.sparse import csr_matrix

    rows = np.flatnonzero(groups >= 0)
    adding = csr_matrix((np.ones(len(rows), dtype=np.float32), (groups[rows], rows)), shape=(n_groups, len(values)))
    found: Floats = (adding @ values.reshape(len(values), -1)).reshape(n_groups, *values.shape[1:])
    return found


def bottom_up(fleet: FleetForecast, values: Floats) -> Floats:
    """(P + F, ...) sums of device values (N, ...) in the order of `sum_grid`."""
    return np.concatenate(
        [
            sums(fleet.portfolio, fleet.n_portfolios, values),
            sums(fleet.feeder, len(fleet.feeder_kw), values),
        ]
    )


def profile_of_sums(
    grid: DayGrid, *, target_day: int, kind: SeriesClass = NET, sign: float = 1.0, lasting: bool = True
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Profile (A, S), past profiles (A, R, S) as known then and their days, for sums in load convention."""
    parts = [
        _profile_of(
            grid.with_values(np.float32(sign) * grid.values[start : start + PART_SERIES]), target_day, kind, lasting
        )
        for start in range(0, len(grid.values), PART_SERIES)
    ]
    days = past_days(grid.issue_day, target_day - grid.issue_day)
    if not parts:
        n_slots = grid.slots_per_day
        return np.zeros((0, n_slots), np.float32), np.zeros((0, len(days), n_slots), np.float32), days
    profile, past = (np.float32(sign) * np.concatenate(found) for found in zip(*parts, strict=True))
    return profile, past, days


def _profile_of(turned: DayGrid, target_day: int, kind: SeriesClass, lasting: bool) -> tuple[Floats, Floats]:
    level = np.nan_to_num(nan_mean(np.abs(turned.values.reshape(len(turned.values), -1)), axis=1), nan=0.0)
    level = np.maximum(level, np.float32(1e-6))
    peak = np.nan_to_num(np.abs(turned.values), nan=0.0).max(axis=(1, 2)) + np.float32(1e-6)
    ladder = Ladder(
        turned,
        target_day=target_day,
        series_class=kind,
        level_kw=level,
        capacity_kw=1.2 * peak,
        signed=not kind.produces and kind.name == NET.name,
        lasting=lasting,
    )
    past = [ladder.profile(int(day)) for day in ladder.past_days()]
    empty = np.zeros((len(peak), 0, turned.slots_per_day), dtype=np.float32)
    return ladder.profile(target_day), np.stack(past, axis=1) if past else empty
