"""A fleet that lives in real time: hears commands, keeps the device's rules, moves on with the clock, reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import DeliveryDay, delivery_day_of
from vpp.simulation.kernels.fleet import Fleet
from vpp.simulation.kernels.inverter import given_kvar

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FleetOfDay = Callable[[DeliveryDay], Fleet]

OLDEST = -1.0


@dataclass(frozen=True)
class Heard:
    """Commands that reached devices, as columns; times are epoch seconds. row: of the device in the fleet. target_kvar:
    NaN for none."""

    id: Ints
    row: Ints
    interval_s: Floats
    sequence: Ints
    target_kw: Floats
    released: NDArray[np.bool_]
    expires_s: Floats
    target_kvar: Floats


@dataclass
class Counts:
    """What the devices did with commands so far."""

    heard: int = 0
    acted: int = 0
    repeated: int = 0
    outdated: int = 0
    refused: int = 0


class LiveFleet:
    """`make(day)` gives the fleet of a delivery day; contents of batteries go over midnight with it.

    A device acts only on what is newer by (interval_start, sequence) than all it acted on, answers repeats, and falls
    back to its own control when its setpoint runs out.
    """

    def __init__(self, make: FleetOfDay, zone: str, step_s: int) -> None:
        self._make, self.zone, self.step_s = make, zone, step_s
        self.fleet: Fleet | None = None
        self.day: DeliveryDay | None = None
        self.counts = Counts()

    def start(self, at: datetime) -> None:
        """Begin in the running step, the devices as their profiles left them."""
        self._enter(delivery_day_of(at, self.zone))
        n = self._now.spec.n_devices
        self.row = {code: row for row, code in enumerate(self._now.spec.code)}
        self.held_kw, self.held_kvar, self.until_s = np.full(n, np.nan), np.full(n, np.nan), np.full(n, OLDEST)
        self._given: dict[int, float] = {}  # kvar by command, until it is answered
        self.last = np.full((n, 2), OLDEST)  # newest (interval, sequence) that each device acted on
        self._skip_to(at)

    @property
    def _now(self) -> Fleet:
        if self.fleet is None:
            raise RuntimeError("start() comes first")
        return self.fleet

    def kinds(self) -> NDArray[np.str_]:
        return self._now.spec.kind

    def next_step_at(self) -> datetime:
        """When the running step ends."""
        assert self.day is not None  # noqa: S101
        return self.day.start + timedelta(seconds=self.step_s * (self._now.state.index + 1))

    def hear(self, heard: Heard, now_s: float) -> tuple[list[int], list[int]]:
        """Ids accepted and refused. Devices that dropped out hear nothing and answer nothing."""
        there = self._now.reachable(self._now.state.index)[heard.row]
        rows, c = np.flatnonzero(there), self.counts
        c.heard += rows.size
        accepted, refused = [], []
        rows = rows[np.lexsort((heard.sequence[rows], heard.interval_s[rows]))]
        refuses = self._refusing(heard, rows)
        for row in rows.tolist():
            device, key = int(heard.row[row]), (float(heard.interval_s[row]), float(heard.sequence[row]))
            last = (self.last[device, 0], self.last[device, 1])
            c.repeated += key == last
            c.outdated += key < last
            if key > last and heard.expires_s[row] > now_s:
                if refuses[device] and not heard.released[row]:
                    refused.append(int(heard.id[row]))
                    continue
                self.last[device] = key
                self.held_kw[device] = np.nan if heard.released[row] else heard.target_kw[row]
                self.held_kvar[device], self.until_s[device] = heard.target_kvar[row], heard.expires_s[row]
                c.acted += 1
            accepted.append(int(heard.id[row]))
        c.refused += len(refused)
        self._note_given(heard, rows, accepted)
        return accepted, refused

    def given_for(self, commands: list[int]) -> dict[int, float]:
        """The reactive power given for some commands, once."""
        return {one: self._given.pop(one) for one in commands if one in self._given}

    def kvar(self, now_s: float) -> Floats:
        """(N,) reactive power, injection positive, beside the power that each device is sent to or last had."""
        held_kw = self._targets_kw(now_s)
        power_kw = np.where(np.isnan(held_kw), self._now.state.power_kw, held_kw)
        return given_kvar(self._now.spec, np.where(self.until_s > now_s, self.held_kvar, np.nan), power_kw)

    def _note_given(self, heard: Heard, rows: Ints, accepted: list[int]) -> None:
        asked = rows[~np.isnan(heard.target_kvar[rows]) & np.isin(heard.id[rows], accepted)]
        if asked.size:
            given = self.kvar(OLDEST + 1.0)  # what was just heard holds
            self._given |= dict(zip(heard.id[asked].tolist(), given[heard.row[asked]].tolist(), strict=True))

    def live(self) -> dict[str, Any]:
        """One step of physics; its readings as packed columns, labelled by the step's start."""
        start = self.next_step_at() - timedelta(seconds=self.step_s)
        fleet, target_kw = self._now, self._targets_kw(start.timestamp())
        there = np.flatnonzero(fleet.reachable(fleet.state.index))
        power_kw = fleet.step(target_kw)
        if fleet.state.index >= fleet.n_steps:
            self._enter(delivery_day_of(start + timedelta(seconds=self.step_s), self.zone))
        return {
            "codes": [fleet.spec.code[row] for row in there],
            "device": np.arange(there.size).astype("<i4").tobytes(),
            "time_s": np.full(there.size, round(start.timestamp())).astype("<i8").tobytes(),
            "power_kw": power_kw[there].astype("<f8").tobytes(),
            "soc_kwh": fleet.stored_kwh()[there].astype("<f8").tobytes(),
        }

    def _refusing(self, heard: Heard, rows: Ints) -> NDArray[np.bool_]:
        """(N,) devices whose comfort or departure stands against the newest of these commands."""
        wanted_kw = np.full(self._now.spec.n_devices, np.nan)
        wanted_kw[heard.row[rows]] = np.where(heard.released[rows], np.nan, heard.target_kw[rows])
        return self._now.refusals(wanted_kw)

    def _targets_kw(self, now_s: float) -> Floats:
        return np.where(self.until_s > now_s, self.held_kw, np.nan)

    def _enter(self, day: DeliveryDay) -> None:
        before, self.day = self.fleet, day
        self.fleet = self._make(day)
        if before is not None:
            self.fleet.state = replace(self.fleet.state, soc_kwh=before.state.soc_kwh)

    def _skip_to(self, at: datetime) -> None:
        """Undispatched steps since midnight, so that cars and warm houses are where they would be."""
        while self.next_step_at() <= at.astimezone(UTC):
            self._now.step(self._targets_kw(OLDEST))
