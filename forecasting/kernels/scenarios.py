"""Joint scenarios of a portfolio's pools: whole residual days, drawn together, so that what moves together stays so.

Adding quantiles makes a band twice too wide, independent draws one that is too narrow; a past day keeps the dependence
between pools and between hours by itself. Clark et al. (2004), J. Hydrometeorology 5(1), the Schaake shuffle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scenarios:
    """paths_kw (S, P, H) for P pools, probability (S,) that sums to 1, load convention.

    day (S,): place of the residual day that each was drawn from, -1 where there was none to draw from.
    price (S, H): prices on the same days, EUR/MWh; None where the zone has no price forecast.
    """

    paths_kw: Array
    probability: Array
    day: NDArray[np.int64]
    price: Array | None = None

    @property
    def total_kw(self) -> Array:
        """(S, H) sum over the pools."""
        total: Array = self.paths_kw.sum(axis=1)
        return total


def day_weights(types: NDArray[np.int64], target_type: int, *, half_life_days: float = 21.0) -> Array:
    """Weights (R,) of past days, newest last: the target's day type counts four times, older days less."""
    age = np.arange(len(types))[::-1]
    weights = np.where(types == target_type, 4.0, 1.0) * 0.5 ** (age / half_life_days)
    return weights / weights.sum() if len(weights) else weights


def joint_scenarios(
    mean_kw: Array,
    residual_kw: Array,
    weights: Array,
    *,
    lower_kw: Array,
    upper_kw: Array,
    innovations_kw: Array | None = None,
    size: int,
    seed: int,
) -> Scenarios:
    """Scenarios around a mean forecast.

    mean_kw (P, H); residual_kw (R, P, H) past whole days, NaN counts as no error; weights (R,).
    lower_kw, upper_kw (P, H): physical limits. innovations_kw (size, H): further paths without memory of a day, shared
    over the pools by their spread; they separate draws of the same day.
    Each pool keeps its mean as far as the limits let it.
    """
    n_pools, horizon = mean_kw.shape
    if not len(weights):
        only = np.clip(mean_kw, lower_kw, upper_kw)[None].copy()
        return Scenarios(only, np.ones(1), np.full(1, -1))
    days = drawn_days(weights, size=size, seed=seed)
    residual = np.nan_to_num(residual_kw, nan=0.0)[days]
    if innovations_kw is not None:
        spread = residual_kw[np.isfinite(residual_kw).all(axis=(1, 2))].std(axis=0) if n_pools > 1 else None
        residual = residual + innovations_kw[:size, None, :] * _shares(spread, n_pools, horizon)
    residual = residual - residual.mean(axis=0)
    return Scenarios(np.clip(mean_kw + residual, lower_kw, upper_kw), np.full(size, 1.0 / size), days)


def reduce_scenarios(scenarios: Scenarios, size: int, *, iterations: int = 20) -> Scenarios:
    """The size most representative scenarios by k-medoids on the total and, where there is one, the price, each in
    units of its spread; each with the weight of those it stands for.

    Deterministic: the first medoid is the most central path, the next ones the farthest from those chosen.
    """
    total = scenarios.total_kw
    if size >= len(total):
        return scenarios
    distance = _distance(total)
    if scenarios.price is not None:
        distance = distance + _distance(scenarios.price)
    weight = scenarios.probability
    medoids = [int(np.argmin(distance @ weight))]
    while len(medoids) < size:
        medoids.append(int(np.argmax(distance[:, medoids].min(axis=1) * np.sqrt(weight))))
    for _ in range(iterations):
        owner = np.argmin(distance[:, medoids], axis=1)
        better = [
            int(members[np.argmin(distance[np.ix_(members, members)] @ weight[members])])
            if len(members := np.flatnonzero(owner == place))
            else medoid
            for place, medoid in enumerate(medoids)
        ]
        if better == medoids:
            break
        medoids = better
    owner = np.argmin(distance[:, medoids], axis=1)
    probability = np.bincount(owner, weights=weight, minlength=size)
    price = None if scenarios.price is None else scenarios.price[medoids]
    return Scenarios(scenarios.paths_kw[medoids], probability / probability.sum(), scenarios.day[medoids], price)


def _distance(paths: Array) -> Array:
    """(S, S) root mean squares between paths (S, H), in units of their spread."""
    spread = float(paths.std(axis=0).mean())
    apart: Array = np.sqrt(((paths[:, None, :] - paths[None, :, :]) ** 2).mean(axis=2))
    return apart / spread if spread > 0 else apart


def path_quantiles(paths_kw: Array, levels: Array) -> Array:
    """Quantiles (..., Q) over the first axis of paths (S, ...), equally likely; sorted by construction."""
    return np.moveaxis(np.quantile(paths_kw, levels, axis=0), 0, -1)


def energy_score(observed_kw: Array, paths_kw: Array) -> float:
    """Energy score in kW of paths (S, H) against one observed day (H,); lower is better.

    Gneiting & Raftery (2007), JASA 102(477), equation 22, with the root-mean-square norm.
    """
    norm = np.sqrt(((paths_kw - observed_kw) ** 2).mean(axis=1)).mean()
    pairs = np.sqrt(((paths_kw[:, None] - paths_kw[None]) ** 2).mean(axis=2)).mean()
    return float(norm - 0.5 * pairs)


def drawn_days(weights: Array, *, size: int, seed: int) -> NDArray[np.int64]:
    """Day of each scenario: every day as often as its weight says, up to one (low-variance resampling)."""
    places = (np.random.default_rng(seed).random() + np.arange(size)) / size
    return np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)


def _shares(spread: Array | None, n_pools: int, horizon: int) -> Array:
    if spread is None:
        return np.ones((n_pools, horizon))
    total = spread.sum(axis=0)
    return np.divide(spread, total, out=np.full(spread.shape, 1.0 / n_pools), where=total > 0)
