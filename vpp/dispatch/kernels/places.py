"""Limits that devices of one place have in common: what a node, and the feeder that it hangs on, bears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.limits import Limit
from vpp.lib.units import W_PER_KW

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int8]

MOST_ROUNDS = 12


@dataclass(frozen=True)
class PlaceLimits:
    """Devices by place (N,) numbers 0..G-1, and how far the dispatched devices of each may move it, (G,) kW; infinite
    where nothing limits it. limit: what a shortfall calls it. codes: (G,) names of the places."""

    place: Ints
    up_kw: Floats
    down_kw: Floats
    limit: Limit = Limit.FEEDER
    codes: Sequence[str] = ()

    def room_w(self, up: bool, net_w: Floats) -> Floats:
        """(G,) whole watts left in one direction beside what the devices (N,) move already, up positive."""
        side_kw = self.up_kw if up else self.down_kw
        moved_w = self.load_w(net_w)
        full_w = np.floor(np.maximum(side_kw, 0.0) * W_PER_KW)
        return np.maximum(full_w - moved_w if up else full_w + moved_w, 0.0)

    def load_w(self, share_w: Floats) -> Floats:
        return np.bincount(self.place, weights=share_w, minlength=self.up_kw.size).astype(np.float64)

    def scaled_w(self, share_w: Floats, ratio: Floats) -> Floats:
        """Shares (N,) times the ratio (G,) of their place, at most 1, in whole watts; a place loses less than one."""
        order = np.argsort(self.place, kind="stable")
        place, part_w = self.place[order], (share_w * ratio[self.place])[order]
        total_w = np.cumsum(part_w)
        begins = np.searchsorted(place, place)
        before_w = (total_w - part_w)[begins]
        up_to_w = np.floor(total_w - before_w + 1e-6)
        whole_w = np.empty_like(share_w)
        whole_w[order] = np.where(begins == np.arange(place.size), up_to_w, np.diff(up_to_w, prepend=0.0))
        return np.clip(whole_w, 0.0, share_w)


@dataclass(frozen=True)
class Inside:
    """Shares, caps and the Limit codes that set them (N,), with no place over its limit."""

    share_w: Floats
    cap_w: Floats
    bound: Codes


def inside(
    places: Sequence[PlaceLimits],
    room_w: Sequence[Floats],
    shares: Callable[[Floats], Floats],
    cap_w: Floats,
    bound: Codes,
) -> Inside:
    """`shares` of caps (N,) that keep every place inside its room; places come from the smaller to the larger.

    The devices of a place that would be over keep their shares scaled down to it, and the rest is asked of the others.
    The larger places wait until the smaller ones are settled, or they would be cut for power that is not theirs to
    take. Limits that do not bind change nothing.
    """
    share_w = shares(cap_w)
    for _ in range(MOST_ROUNDS):
        for one, most_w in zip(places, room_w, strict=True):
            load_w = one.load_w(share_w)
            over = load_w > most_w
            if over.any():
                ratio = np.divide(most_w, load_w, out=np.ones_like(load_w), where=over)
                held = over[one.place]
                cap_w = np.where(held, one.scaled_w(share_w, ratio), cap_w)
                bound = np.where(held, np.int8(one.limit), bound).astype(np.int8)
                break
        else:
            return Inside(share_w, cap_w, bound)
        share_w = shares(cap_w)
    cap_w = all_at_once(places, room_w, cap_w)
    return Inside(shares(cap_w), cap_w, bound)


def all_at_once(places: Sequence[PlaceLimits], room_w: Sequence[Floats], cap_w: Floats) -> Floats:
    """Caps that no sharing can push a place over its room with; dearer, so the last resort of many full places."""
    for one, most_w in zip(places, room_w, strict=True):
        able_w = one.load_w(cap_w)
        ratio = np.divide(most_w, able_w, out=np.ones_like(able_w), where=able_w > most_w)
        cap_w = one.scaled_w(cap_w, ratio)
    return cap_w


@dataclass(frozen=True)
class Stop:
    """What kept a part of a commitment back: the limit, where (a node, a feeder, a product), what it bears (kW,
    infinite if that says nothing) and what is missing because of it, kW, up positive."""

    limit: Limit
    where: str
    bears_kw: float
    missing_kw: float


def stops(
    places: Sequence[PlaceLimits], able_w: Floats, found: Inside, missing_w: float, up: bool
) -> tuple[list[Stop], float]:
    """The full places, largest loss first, with no more than is missing, and what they do not explain.

    able_w : (N,) what the devices could have given without them.
    """
    lost: list[tuple[float, Limit, str, float]] = []
    for one in places:
        lost_w = one.load_w(np.where(found.bound == one.limit, able_w - found.cap_w, 0.0))
        side_kw = one.up_kw if up else one.down_kw
        for number in np.flatnonzero(lost_w > 0.0).tolist():
            code = one.codes[number] if one.codes else str(number)
            lost.append((float(lost_w[number]), one.limit, code, float(side_kw[number])))
    told: list[Stop] = []
    sign = 1.0 if up else -1.0
    for kept_back_w, limit, code, bears_kw in sorted(lost, key=lambda each: (-each[0], each[2])):
        part_w = min(kept_back_w, missing_w)
        if part_w > 0.0:
            told.append(Stop(limit, code, bears_kw, sign * part_w / W_PER_KW))
            missing_w -= part_w
    return told, missing_w
