"""Commitments that only some devices may serve, one after the other over the same fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.headroom import Headroom
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.kernels.places import Inside, PlaceLimits, inside
from vpp.dispatch.kernels.shares import cheapest_first, spare_for_now, whole_watts
from vpp.lib.units import W_PER_KW

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Claims:
    """R parts of an interval's commitment that not every device may serve: kw (R,) up positive, admitted (R, N), and
    the names of their products. What the commitment is beyond their sum is open to all."""

    kw: Floats
    admitted: Bools
    names: tuple[str, ...]


@dataclass
class Part:
    """One claim: signed watts, up positive, who may serve it (None: all), and what was found for it."""

    signed_w: float
    admitted: Bools | None
    name: str
    able_w: Floats
    found: Inside

    @property
    def up(self) -> bool:
        return self.signed_w >= 0.0

    @property
    def missing_w(self) -> float:
        return abs(self.signed_w) - float(self.found.share_w.sum())


@dataclass
class Pool:
    """N devices while claims are put on them; net_w: what they are moved by so far, up positive.

    Devices that serve claims of both directions only move by the difference.
    """

    room: Headroom
    is_store: Bools
    cost: Floats
    step_hours: float
    spare_w: float
    spare_up: bool  # the direction in which the batteries are to be spared
    places: Sequence[PlaceLimits]
    net_w: Floats

    def left_w(self, up: bool, admitted: Bools | None = None) -> Floats:
        """(N,) whole watts that each may still be moved by in one direction."""
        full_w = np.floor((self.room.up_kw if up else self.room.down_kw) * W_PER_KW + 1e-6)
        left_w = np.maximum(full_w - self.net_w if up else full_w + self.net_w, 0.0)
        return left_w if admitted is None else np.where(admitted, left_w, 0.0)

    def put(self, signed_w: float, admitted: Bools | None, name: str) -> Part:
        """As much of a claim as the devices that may serve it can take."""
        up, wanted_w = signed_w >= 0.0, abs(signed_w)
        able_w = self.left_w(up, admitted)
        hours, bound = (self.room.up_hours, self.room.up_bound) if up else (self.room.down_hours, self.room.down_bound)
        if admitted is not None:
            bound = np.where(admitted, bound, np.int8(Limit.NOT_ADMITTED)).astype(np.int8)
        sign = 1.0 if up else -1.0
        spare_w = self.spare_w - sign * self.net_w[self.is_store].sum() if up == self.spare_up else np.inf

        def shares(cap_w: Floats) -> Floats:
            free_w = spare_for_now(cap_w, self.is_store, spare_w)
            share_w = cheapest_first(min(wanted_w, free_w.sum()), free_w, hours, self.cost, self.step_hours)
            rest_w = min(wanted_w, cap_w.sum()) - share_w.sum()
            if rest_w > 0.0:
                share_w = share_w + cheapest_first(rest_w, cap_w - share_w, hours, self.cost, self.step_hours)
            return share_w

        rooms_w = [place.room_w(up, self.net_w) for place in self.places]
        found = inside(self.places, rooms_w, shares, able_w, bound)
        self.net_w = self.net_w + sign * found.share_w
        return Part(signed_w, admitted, name, able_w, found)


def put_all(pool: Pool, claims: Claims, open_w: float) -> list[Part]:
    """The narrowest claims first, then what is open to all; one that goes short gets devices from those that others
    can do without."""
    signed_w = np.round(claims.kw * W_PER_KW)
    order = np.argsort(claims.admitted.sum(axis=1), kind="stable")
    parts = [pool.put(float(signed_w[row]), claims.admitted[row], claims.names[row]) for row in order]
    parts.append(pool.put(open_w, None, ""))
    for short in parts:
        for other in parts:
            if short.missing_w > 0.0 and other is not short and other.up == short.up:
                _hand_over(pool, short, other)
    return parts


def _hand_over(pool: Pool, short: Part, other: Part) -> None:
    """`other` moves to devices that `short` may not use, and leaves it as much of those that it may."""
    usable = np.ones(pool.net_w.size, dtype=bool) if short.admitted is None else short.admitted
    held_w = np.where(usable, other.found.share_w, 0.0)
    elsewhere = ~usable if other.admitted is None else other.admitted & ~usable
    wanted_w = min(short.missing_w, float(held_w.sum()))
    if wanted_w <= 0.0 or not elsewhere.any():
        return
    moved = pool.put(wanted_w if short.up else -wanted_w, elsewhere, other.name)
    given_w = float(moved.found.share_w.sum())
    left_to_short_w = whole_watts(held_w * (given_w / held_w.sum()), held_w, given_w)
    other.found = _with(other.found, other.found.share_w - left_to_short_w + moved.found.share_w)
    short.found = _with(short.found, short.found.share_w + left_to_short_w)


def _with(found: Inside, share_w: Floats) -> Inside:
    return Inside(share_w, np.maximum(found.cap_w, share_w), found.bound)
