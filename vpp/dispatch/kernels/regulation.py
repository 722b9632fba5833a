"""Regulation: a request that changes every few seconds, split over the devices that stand ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.places import PlaceLimits, all_at_once
from vpp.lib.units import W_PER_KW

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ready:
    """N devices that take part; arrays (N,), kW, consumption positive.

    base_kw             : power without regulation. present_kw: power now.
    lowest_kw, highest_kw : bounds of the device (rating, store, owner, feeder); base_kw lies between them.
    share_kw            : the part of the promised regulation that each stands for, >= 0.
    reach_kw            : how far it can move from present_kw until the next signal, inf without a ramp.
    """

    base_kw: Floats
    present_kw: Floats
    lowest_kw: Floats
    highest_kw: Floats
    share_kw: Floats
    reach_kw: Floats


def split_signal(ready: Ready, request_up_kw: float) -> tuple[Floats, float]:
    """Targets (N,) in kW and what nobody can give, up positive.

    Proportional to share_kw; who saturates gives all it can, and the others take over its part in the same proportion.
    The least factor z with sum(min(room, z * share)) = request: sorted by room / share, the sum is piecewise linear in
    z and concave: one cumulative sum finds it (water-filling; Boyd & Vandenberghe, Convex Optimization, 2004, 5.5.3).
    """
    up = request_up_kw >= 0.0
    room_kw = _room_kw(ready, up=up)
    wanted_kw = abs(request_up_kw)
    given_kw = _fill(room_kw, np.where(room_kw > 0.0, ready.share_kw, 0.0), wanted_kw)
    missing_kw = max(wanted_kw - float(given_kw.sum()), 0.0)
    missing_kw = 0.0 if missing_kw < 1e-9 * max(wanted_kw, 1.0) else missing_kw
    target_kw = ready.base_kw - given_kw if up else ready.base_kw + given_kw
    low_kw, high_kw = ready.present_kw - ready.reach_kw, ready.present_kw + ready.reach_kw
    return np.clip(target_kw, low_kw, high_kw), missing_kw if up else -missing_kw


def within_places(
    places: Sequence[PlaceLimits], moved_up_kw: Floats, up_kw: Floats, down_kw: Floats
) -> tuple[Floats, Floats]:
    """How far each device (N,) may be moved up and down so that no node or feeder is over its limit, even when all
    of them go as far as they may at once: a signal every few seconds leaves no time to ask the grid each time.

    moved_up_kw : (N,) what setpoints move the devices by already, up positive.
    """
    moved_w = np.round(moved_up_kw * W_PER_KW)
    found = []
    for up, cap_kw in ((True, up_kw), (False, down_kw)):
        rooms_w = [place.room_w(up, moved_w) for place in places]
        found.append(all_at_once(places, rooms_w, np.floor(cap_kw * W_PER_KW + 1e-6)) / W_PER_KW)
    return found[0], found[1]


def _room_kw(ready: Ready, *, up: bool) -> Floats:
    """(N,) how far each can be moved in that direction by the next signal."""
    if up:
        bound_kw = np.maximum(ready.lowest_kw, ready.present_kw - ready.reach_kw)
        return np.maximum(ready.base_kw - bound_kw, 0.0)
    bound_kw = np.minimum(ready.highest_kw, ready.present_kw + ready.reach_kw)
    return np.maximum(bound_kw - ready.base_kw, 0.0)


def _fill(room_kw: Floats, share_kw: Floats, wanted_kw: float) -> Floats:
    """(N,) min(room, z * share) that adds up to `wanted_kw`, or all the room of those with a share."""
    takes = share_kw > 0.0
    if not takes.any() or wanted_kw <= 0.0:
        return np.zeros_like(room_kw)
    room, share = room_kw[takes], share_kw[takes]
    full_at = room / share  # the factor at which each saturates
    order = np.argsort(full_at, kind="stable")
    saturated_kw = np.concatenate(([0.0], np.cumsum(room[order])))
    still_share = share.sum() - np.concatenate(([0.0], np.cumsum(share[order])))
    reached_kw = saturated_kw[:-1] + full_at[order] * still_share[:-1]  # the sum when the n-th saturates
    n = int(np.searchsorted(reached_kw, wanted_kw))
    if n >= room.size or still_share[n] <= 0.0:
        factor = np.inf
    else:
        factor = (wanted_kw - saturated_kw[n]) / still_share[n]
    given = np.zeros_like(room_kw)
    given[takes] = np.minimum(room, factor * share)
    return given
