"""Regulation: a signal every 2 to 4 seconds in, one message per gateway out. Nothing is stored per signal.

What was promised and what is in force come from the control loop; a regulation target moves a device around it, until
HOLDS_S after the last one, when it falls back to its setpoint by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.fleet import fleet_of
from vpp.dispatch.fleet_state import STEP_HOURS
from vpp.dispatch.kernels.headroom import headroom
from vpp.dispatch.kernels.regulation import Ready, split_signal, within_places
from vpp.dispatch.models import Link
from vpp.dispatch.operations.judging import STEP
from vpp.dispatch.operations.scene import Scene, look
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import delivery_day_of

HOLDS_S = 10
REFRESH = timedelta(seconds=60)
SIGNAL = "vpp/v1/regulation/{portfolio}/signal"

Floats = NDArray[np.float64]
Send = Callable[[str, bytes], object]


class Signal(msgspec.Struct, frozen=True):
    """up_kw: wanted now, up positive (less consumption)."""

    up_kw: float


@dataclass
class Score:
    """Since the last look: signals, the sum of what was asked, and of what nobody could give, both unsigned."""

    signals: int = 0
    asked_kw: float = 0.0
    missing_kw: float = 0.0


class Regulator:
    """One portfolio. The devices' bounds are read again every minute; in between a signal costs one split."""

    def __init__(self, portfolio: Portfolio, signal_s: float = 4.0) -> None:
        self.portfolio, self.signal_s = portfolio, signal_s
        self.score = Score()
        self._read_at: datetime | None = None
        self._ready: Ready
        self._rows: dict[str, NDArray[np.int64]] = {}
        self._codes: list[str] = []

    def signal(self, up_kw: float, at: datetime, send: Send) -> float:
        """Split and send; what nobody can give, kW, up positive."""
        if self._read_at is None or at - self._read_at >= REFRESH:
            self._refresh(at)
        target_kw, missing_kw = split_signal(self._ready, up_kw)
        self._ready = replace(self._ready, present_kw=target_kw)
        expires = at + timedelta(seconds=HOLDS_S)
        for gateway, rows in self._rows.items():
            message = {
                "at": at, "expires": expires, "device": [self._codes[row] for row in rows],
                "target_kw": target_kw[rows].round(4).tolist(),
            }  # fmt: skip
            send(f"vpp/v1/{gateway}/regulation", msgspec.json.encode(message))
        self.score.signals += 1
        self.score.asked_kw += abs(up_kw)
        self.score.missing_kw += abs(missing_kw)
        return missing_kw

    def _refresh(self, at: datetime) -> None:
        """Bounds from the same headroom as the control cycle, around the setpoints in force."""
        start = at - timedelta(seconds=at.timestamp() % STEP.total_seconds())
        fleet = fleet_of([self.portfolio.pk], at)
        scene = look([self.portfolio], fleet, delivery_day_of(start, self.portfolio.time_zone), start, max(start, at))
        base_kw, low_kw, high_kw = _bounds_kw(scene, self.portfolio.pk)
        self._codes = fleet.table.code
        links = dict(Link.objects.filter(protocol=Link.Protocol.MQTT).values_list("device_id", "address"))
        gateways = np.array([links.get(one, "") for one in fleet.table.device_id.tolist()], dtype=object)
        self._rows = {gateway: np.flatnonzero(gateways == gateway) for gateway in sorted(set(gateways) - {""})}
        reach_kw = fleet.table.ramp_kw_per_minute * self.signal_s / 60.0
        share_kw = np.where(gateways == "", 0.0, np.maximum(high_kw - low_kw, 0.0))
        present_kw = self._ready.present_kw if self._read_at and self._ready.base_kw.size == base_kw.size else base_kw
        self._ready = Ready(base_kw, np.clip(present_kw, low_kw, high_kw), low_kw, high_kw, share_kw, reach_kw)
        self._read_at = at


def _bounds_kw(scene: Scene, portfolio_id: int) -> tuple[Floats, Floats, Floats]:
    """(N,) each: power by the setpoints in force, and how far down and up it may go, inside what the grid bears."""
    room, expected_kw = headroom(scene.state, STEP_HOURS), scene.state.baseline_kw
    low_kw, high_kw = expected_kw - room.up_kw, expected_kw + room.down_kw
    held_kw = np.where(np.isnan(scene.held.target_kw), expected_kw, scene.held.target_kw)
    base_kw = np.clip(held_kw, low_kw, high_kw)
    places = scene.plans[portfolio_id].room.at(scene.index, scene.fleet.table.device_id)
    up_kw, down_kw = within_places(places, expected_kw - base_kw, base_kw - low_kw, high_kw - base_kw)
    return base_kw, base_kw - up_kw, base_kw + down_kw
