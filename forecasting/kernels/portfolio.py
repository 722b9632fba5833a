"""One portfolio: pools by class, reconciled to the total, devices to their pool, and joint scenarios of it all."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.classes import CLASSES
from forecasting.kernels.combine import reconcile
from forecasting.kernels.fleet_forecast import FleetForecast
from forecasting.kernels.pools import Pool
from forecasting.kernels.scenarios import Scenarios, day_weights, joint_scenarios, path_quantiles
from forecasting.kernels.totals import TotalForecast, innovation_paths

Array = NDArray[np.float64]

INNOVATION_SHARE = 0.5  # the residual day already holds most of the error; the rest only separates equal draws


@dataclass(frozen=True)
class PortfolioForecast:
    """Forecast of a portfolio on the H intervals of the target day, load convention.

    mean_kw (H,), quantiles_kw (H, Q); device_mean_kw (n, H), device_quantiles_kw (n, H, 3), adding up to the mean.
    pools: class names (P,); scenarios with paths (S, P, H).
    """

    mean_kw: Array
    quantiles_kw: Array
    levels: Array
    device_mean_kw: Array
    device_quantiles_kw: Array
    pools: list[str]
    pool_of_device: NDArray[np.int64]
    scenarios: Scenarios


def forecast_portfolio(
    fleet: FleetForecast,
    total: TotalForecast,
    members: NDArray[np.int64],
    classes: NDArray[np.str_],
    *,
    lower_kw: Array,
    upper_kw: Array,
    levels: Array,
    of_class: dict[str, Pool],
    scenarios: int = 100,
    seed: int = 0,
) -> PortfolioForecast:
    """members (n,): indices of the portfolio's devices in the fleet; classes (n,) their series classes.

    lower_kw, upper_kw (n,): ratings, production negative. levels (Q,): quantiles of the portfolio.
    of_class: its pools by class name.
    """
    names = [name for name in CLASSES if (classes == name).any()]
    pool_of = np.array([names.index(name) for name in classes], dtype=np.int64)
    pools = [of_class[name] for name in names]
    means = np.array([pool.mean_kw for pool in pools])
    lower, upper = np.array([pool.lower_kw for pool in pools]), np.array([pool.upper_kw for pool in pools])
    spread = np.array([_spread(pool.residual_kw) for pool in pools])
    reconciled = reconcile(
        means, total.mean_kw, spread_kw=spread, lower_kw=lower.min(axis=1), upper_kw=upper.max(axis=1)
    )
    reconciled = np.clip(reconciled, np.minimum(lower, means), np.maximum(upper, means))
    drawn = joint_scenarios(
        reconciled,
        np.stack([pool.residual_kw for pool in pools], axis=1) * total.error_ratio,
        day_weights(fleet.grid.types_until(fleet.target_day)[total.past_days], _target_type(fleet)),
        lower_kw=lower,
        upper_kw=upper,
        innovations_kw=INNOVATION_SHARE * innovation_paths(total, fleet, paths=scenarios, seed=seed),
        size=scenarios,
        seed=seed,
    )
    device_mean, device_quantiles = _devices(fleet, members, pool_of, reconciled, lower_kw, upper_kw)
    paths = replace(drawn, paths_kw=drawn.paths_kw[:, :, fleet.slots])
    return PortfolioForecast(
        mean_kw=device_mean.sum(axis=0)[fleet.slots],
        quantiles_kw=path_quantiles(paths.total_kw, levels),
        levels=levels,
        device_mean_kw=device_mean[:, fleet.slots],
        device_quantiles_kw=device_quantiles[:, fleet.slots],
        pools=names,
        pool_of_device=pool_of,
        scenarios=paths,
    )


def _devices(
    fleet: FleetForecast,
    members: NDArray[np.int64],
    pool_of: NDArray[np.int64],
    pools_kw: Array,
    lower_kw: Array,
    upper_kw: Array,
) -> tuple[Array, Array]:
    """Device means (n, S) that add up to their pools, and their quantiles (n, S, 3) moved along."""
    mean = fleet.mean_kw[members].astype(np.float64)
    moved = mean.copy()
    for place in range(len(pools_kw)):
        inside = pool_of == place
        moved[inside] = reconcile(
            mean[inside],
            pools_kw[place],
            spread_kw=fleet.spread_kw[members[inside]],
            lower_kw=lower_kw[inside],
            upper_kw=upper_kw[inside],
        )
    quantiles = fleet.quantiles_kw[members] + (moved - mean)[..., None]
    low, high = np.minimum(lower_kw[:, None], moved), np.maximum(upper_kw[:, None], moved)
    return moved, np.sort(np.clip(quantiles, low[..., None], high[..., None]), axis=2)


def _target_type(fleet: FleetForecast) -> int:
    return int(fleet.grid.types_until(fleet.target_day)[-1])


def _spread(residual_kw: Array) -> Array:
    if not len(residual_kw):
        return np.ones(residual_kw.shape[1])
    return np.nan_to_num(residual_kw, nan=0.0).std(axis=0)
