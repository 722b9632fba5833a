"""One commitment into many setpoints: the portfolio's power of an interval split over its devices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.headroom import FleetState, Headroom, Limit, headroom, kept_on_kw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int8]

WATTS_PER_KW = 1000.0


@dataclass(frozen=True)
class FeederLimits:
    """Devices by feeder (N,) numbers 0..G-1, and how far the dispatched devices of each may move it, (G,) kW; infinite
    where nothing limits it."""

    feeder: Ints
    up_kw: Floats
    down_kw: Floats


@dataclass(frozen=True)
class Split:
    """change_kw (N,): up positive, so target_kw = baseline_kw - change_kw. residual_kw: request less their sum,
    exact to the watt; reason: the limit that cost most, NONE when nothing is missing. bound (N,): Limit codes."""

    change_kw: Floats
    target_kw: Floats
    residual_kw: float
    reason: Limit
    bound: Codes


def disaggregate(
    net_up_kw: float,
    state: FleetState,
    cost_eur_per_kwh: Floats,
    step_hours: float,
    *,
    spare_store_kwh: float = float("inf"),
    feeders: FeederLimits | None = None,
) -> Split:
    """Split the committed net power (up positive, down negative) over N devices.

    spare_store_kwh : grid-side energy that batteries may move now without hurting later commitments (see corridor);
                      they give more than that only when nothing else is left.

    Cheapest first; among equal costs the device that can last longest first, down to a common remaining time: the
    policy that keeps the largest set of later requests feasible (Evans, Tindemans & Angeli (2020), IEEE Trans. Smart
    Grid 11(1), doi:10.1109/TSG.2019.2918058). A device without a store counts as lasting a day less what it has
    already been used, which rotates among equals. Shares are whole watts, so their sum is exact; ties go to
    the earlier device in the order given. A device that has to stay on goes on as it is, and the others make up for
    it.
    """
    own_kw, kept_w = state.baseline_kw, np.round((state.baseline_kw - kept_on_kw(state)) * WATTS_PER_KW)
    state = replace(state, baseline_kw=own_kw - kept_w / WATTS_PER_KW)
    net_w = float(np.round(net_up_kw * WATTS_PER_KW) - kept_w.sum())
    up, wanted_w = net_w >= 0.0, abs(net_w)
    if wanted_w == 0.0:  # most intervals of most portfolios
        return Split(kept_w / WATTS_PER_KW, state.baseline_kw.copy(), 0.0, Limit.NONE, state.barred)
    room = headroom(state, step_hours)
    cap_kw, hours, bound = _side(room, up)
    is_store = state.kind == "BATTERY"

    def shares(cap_w: Floats) -> Floats:
        free_w = _spare_for_now(cap_w, is_store, spare_store_kwh / step_hours)
        share_w = _cheapest_first(min(wanted_w, free_w.sum()), free_w, hours, cost_eur_per_kwh, step_hours)
        rest_w = min(wanted_w, cap_w.sum()) - share_w.sum()
        if rest_w > 0.0:
            share_w = share_w + _cheapest_first(rest_w, cap_w - share_w, hours, cost_eur_per_kwh, step_hours)
        return share_w

    cap_w = np.floor(cap_kw * WATTS_PER_KW + 1e-6)
    share_w = shares(cap_w)
    if feeders is not None:
        cap_w, share_w, bound = _inside_feeders(feeders, up, shares, cap_w, share_w, bound)
    sign = 1.0 if up else -1.0
    change_kw = (kept_w + sign * share_w) / WATTS_PER_KW
    missing_w = wanted_w - share_w.sum()
    return Split(
        change_kw=change_kw,
        target_kw=own_kw - change_kw,
        residual_kw=sign * missing_w / WATTS_PER_KW,
        reason=_costliest_limit(state, cap_w / WATTS_PER_KW, bound, up) if missing_w > 0.0 else Limit.NONE,
        bound=bound,
    )


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


def _cheapest_first(wanted_w: float, cap_w: Floats, hours: Floats, cost: Floats, step_hours: float) -> Floats:
    """Whole tiers of equal cost in order; the tier at the margin by remaining time."""
    _, tier = np.unique(cost, return_inverse=True)
    tier_w = np.bincount(tier, weights=cap_w)
    before_w = np.concatenate([[0.0], np.cumsum(tier_w)[:-1]])
    share_w = np.where(before_w[tier] + tier_w[tier] <= wanted_w, cap_w, 0.0)
    marginal = np.flatnonzero((before_w <= wanted_w) & (before_w + tier_w > wanted_w))
    for number in marginal:
        rows = np.flatnonzero(tier == number)
        share_w[rows] = level_fill(wanted_w - before_w[number], cap_w[rows], hours[rows], step_hours)
    return _whole_watts(share_w, cap_w, wanted_w)


def _whole_watts(share_w: Floats, cap_w: Floats, wanted_w: float) -> Floats:
    """Round so that the sum is `wanted_w` exactly and no share passes its (whole) cap."""
    edges = np.floor(np.concatenate([[0.0], np.cumsum(share_w)]) + 0.5)
    edges[-1] = wanted_w
    whole_w = np.clip(np.diff(edges), 0.0, cap_w)
    missing_w = wanted_w - whole_w.sum()  # of the order of a few watts, from float noise at the edges
    if missing_w > 0.0:
        spare_w = cap_w - whole_w
        return whole_w + np.clip(missing_w - (np.cumsum(spare_w) - spare_w), 0.0, spare_w)
    return whole_w - np.clip(-missing_w - (np.cumsum(whole_w) - whole_w), 0.0, whole_w)


def _spare_for_now(cap_w: Floats, is_store: NDArray[np.bool_], spare_kw: float) -> Floats:
    """Caps (N,) in whole watts with the batteries scaled so that together they stay within `spare_kw`."""
    at_once_kw = float(cap_w[is_store].sum()) / WATTS_PER_KW
    if at_once_kw <= spare_kw:
        return cap_w
    return np.where(is_store, np.floor(cap_w * (spare_kw / at_once_kw)), cap_w)


def _inside_feeders(
    feeders: FeederLimits, up: bool, shares: Callable[[Floats], Floats], cap_w: Floats, share_w: Floats, bound: Codes
) -> tuple[Floats, Floats, Codes]:
    """Caps, shares and bounds (N,) with no feeder over its limit: the devices of one that would be keep their shares
    scaled down to it, and the rest is asked of the others. Every round settles at least one feeder."""
    limit_w = np.floor(np.maximum(_side_kw(feeders, up), 0.0) * WATTS_PER_KW)
    for _ in range(limit_w.size):
        load_w = np.bincount(feeders.feeder, weights=share_w, minlength=limit_w.size)
        over = load_w > limit_w
        if not over.any():
            break
        ratio = np.divide(limit_w, load_w, out=np.ones_like(load_w), where=over)
        held = over[feeders.feeder]
        cap_w = np.where(held, np.floor(share_w * ratio[feeders.feeder]), cap_w)
        bound = np.where(held, np.int8(Limit.FEEDER), bound).astype(np.int8)
        share_w = shares(cap_w)
    return cap_w, share_w, bound


def _side(room: Headroom, up: bool) -> tuple[Floats, Floats, Codes]:
    if up:
        return room.up_kw, room.up_hours, room.up_bound
    return room.down_kw, room.down_hours, room.down_bound


def _side_kw(feeders: FeederLimits, up: bool) -> Floats:
    return feeders.up_kw if up else feeders.down_kw


def _costliest_limit(state: FleetState, cap_kw: Floats, bound: Codes, up: bool) -> Limit:
    """The limit that took the most from what the ratings alone would have allowed."""
    rated_kw = state.max_production_kw + state.baseline_kw if up else state.max_consumption_kw - state.baseline_kw
    lost_kw = np.maximum(rated_kw - cap_kw, 0.0)
    by_limit = np.bincount(bound.astype(np.int64), weights=lost_kw, minlength=len(Limit))
    by_limit[Limit.RATING] = 0.0
    return Limit(int(by_limit.argmax())) if by_limit.max() > 0.0 else Limit.RATING
