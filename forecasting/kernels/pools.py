"""Pools: the devices of one class within one portfolio, forecast together; all portfolios' pools of a class at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.classes import CLASSES, SeriesClass
from forecasting.kernels.combine import score_weights, weighted
from forecasting.kernels.fleet_forecast import FleetForecast
from forecasting.kernels.sums import closed, profile_of_sums, sums

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """By local slot, load convention: mean (S,), residual days (R, S) of its profile, limits seen so far (S,)."""

    mean_kw: Array
    residual_kw: Array
    lower_kw: Array
    upper_kw: Array


def forecast_pools(fleet: FleetForecast, classes: NDArray[np.str_]) -> list[dict[str, Pool]]:
    """The pools of each portfolio by class name. classes (N,) of the whole fleet."""
    found: list[dict[str, Pool]] = [{} for _ in range(fleet.n_portfolios)]
    for name in CLASSES:
        devices = np.where(classes == name, fleet.portfolio, -1)
        places = np.unique(devices[devices >= 0])
        if not len(places):
            continue
        for place, pool in zip(places, _of_class(fleet, devices, places, CLASSES[name]), strict=True):
            found[int(place)][name] = pool
    return found


def _of_class(
    fleet: FleetForecast, devices: NDArray[np.int64], places: NDArray[np.int64], kind: SeriesClass
) -> list[Pool]:
    """Mean of each pool's own profile and the sum of its devices, weighted by held-out error."""
    shape = (fleet.n_portfolios, *fleet.feeder_kw.shape[1:])
    grid = closed(fleet, fleet.portfolio_kw.get(kind.name, np.zeros(shape, dtype=np.float32))[places])
    profile, past, days = profile_of_sums(
        grid, target_day=fleet.target_day, kind=kind, sign=-1.0 if kind.produces else 1.0, lasting=False
    )
    added, held_added = (sums(devices, shape[0], values)[places] for values in (fleet.mean_kw, fleet.held_mean_kw))
    candidates = np.stack([profile, added]).astype(np.float64)
    weights = np.full((2, len(places)), 0.5)
    if len(fleet.held_days):
        held = np.stack([past[:, len(days) - len(fleet.held_days) :], held_added])
        weights = score_weights(np.abs(held - grid.values[:, fleet.held_days]).mean(axis=(2, 3), dtype=float))
    mean = weighted(candidates, weights)
    residual = (grid.values[:, days] - past).astype(np.float64)
    seen = np.nan_to_num(grid.values, nan=0.0).astype(np.float64)
    pools = []
    for place in range(len(places)):
        lower, upper = _limits(seen[place], kind)
        pools.append(Pool(mean[place], residual[place], np.minimum(lower, mean[place]), np.maximum(upper, mean[place])))
    return pools


def _limits(seen_kw: Array, kind: SeriesClass) -> tuple[Array, Array]:
    """Lowest and highest power (S,) that days (D, S) of a pool make believable."""
    zero = np.zeros(seen_kw.shape[1])
    if kind.produces:
        return _around(seen_kw.min(axis=0), lowest=True) * 1.1, zero
    if kind.name == "net":
        margin = 0.1 * np.abs(seen_kw).max()
        return zero + seen_kw.min() - margin, zero + seen_kw.max() + margin
    return zero, _around(seen_kw.max(axis=0)) * 1.1


def _around(extreme: Array, *, lowest: bool = False) -> Array:
    """Extreme of each slot and its neighbours within an hour."""
    shifted = np.stack([np.roll(extreme, shift) for shift in range(-4, 5)])
    return shifted.min(axis=0) if lowest else shifted.max(axis=0)
