"""How a request is shared among devices: cheapest first, among equals those that last longest, in whole watts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def level_fill(wanted: float, cap: Floats, hours: Floats, step_hours: float) -> Floats:
    """Shares (N,) of `wanted` within `cap`, those with most hours first, so that all used end at one level z of hours:
    share = cap * clip((hours - z) / step_hours, 0, 1). Exact: the level is found on the sorted breakpoints."""
    if wanted <= 0.0 or cap.sum() <= 0.0:
        return np.zeros_like(cap)
    if wanted >= cap.sum():
        return cap.copy()
    level = np.concatenate([hours, hours - step_hours])
    slope = np.concatenate([cap, -cap]) / step_hours
    order = np.argsort(-level, kind="stable")
    level, slope = level[order], np.cumsum(slope[order])
    filled = np.concatenate([[0.0], np.cumsum(slope[:-1] * -np.diff(level))])
    at = int(np.clip(np.searchsorted(filled, wanted, side="left") - 1, 0, level.size - 1))
    z = level[at] - (wanted - filled[at]) / slope[at] if slope[at] > 0.0 else level[at]
    return cap * np.clip((hours - z) / step_hours, 0.0, 1.0)


def cheapest_first(wanted_w: float, cap_w: Floats, hours: Floats, cost: Floats, step_hours: float) -> Floats:
    """Whole tiers of equal cost in order; the tier at the margin by remaining time."""
    _, tier = np.unique(cost, return_inverse=True)
    tier_w = np.bincount(tier, weights=cap_w)
    before_w = np.concatenate([[0.0], np.cumsum(tier_w)[:-1]])
    share_w = np.where(before_w[tier] + tier_w[tier] <= wanted_w, cap_w, 0.0)
    marginal = np.flatnonzero((before_w <= wanted_w) & (before_w + tier_w > wanted_w))
    for number in marginal:
        rows = np.flatnonzero(tier == number)
        share_w[rows] = level_fill(wanted_w - before_w[number], cap_w[rows], hours[rows], step_hours)
    return whole_watts(share_w, cap_w, wanted_w)


def whole_watts(share_w: Floats, cap_w: Floats, wanted_w: float) -> Floats:
    """Round so that the sum is `wanted_w` exactly and no share passes its (whole) cap."""
    edges = np.floor(np.concatenate([[0.0], np.cumsum(share_w)]) + 0.5)
    edges[-1] = wanted_w
    whole_w = np.clip(np.diff(edges), 0.0, cap_w)
    missing_w = wanted_w - whole_w.sum()  # of the order of a few watts, from float noise at the edges
    if missing_w > 0.0:
        spare_w = cap_w - whole_w
        return whole_w + np.clip(missing_w - (np.cumsum(spare_w) - spare_w), 0.0, spare_w)
    return whole_w - np.clip(-missing_w - (np.cumsum(whole_w) - whole_w), 0.0, whole_w)


def spare_for_now(cap_w: Floats, is_store: NDArray[np.bool_], spare_w: float) -> Floats:
    """Caps (N,) in whole watts with the batteries scaled so that together they stay within `spare_w`."""
    at_once_w = float(cap_w[is_store].sum())
    if at_once_w <= spare_w:
        return cap_w
    return np.where(is_store, np.floor(cap_w * (max(spare_w, 0.0) / at_once_w)), cap_w)
