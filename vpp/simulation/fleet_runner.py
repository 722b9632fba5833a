"""The simulated fleet at the service's door: fetch setpoints, answer them, live through the interval, report readings.

One runner stands for the gateways of all devices. It keeps nothing that the service must not lose: every interval it
asks for the setpoints in force, so a runner that starts again in the middle of a day goes on as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.lib.periods import Datetime64Array, as_datetime64, from_datetime64
from vpp.simulation.client import Client
from vpp.simulation.kernels.fleet import Fleet
from vpp.simulation.kernels.inverter import given_kvar

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROWS_PER_MESSAGE = 9_000
SETPOINTS = "/api/v1/dispatch/setpoints"
ACKNOWLEDGEMENTS = "/api/v1/dispatch/acknowledgements"
READINGS = "/api/v1/telemetry/readings"


@dataclass(frozen=True)
class Answered:
    """What the devices said to the setpoints of one interval; `unheard` never reached their device."""

    accepted: int
    refused: int
    unheard: int


@dataclass(frozen=True)
class Reported:
    """Readings sent after one interval, and those the service did not keep."""

    sent: int
    refused: int


class FleetRunner:
    """Plays a fleet's delivery day interval by interval, in order. starts64 : (H,) naive UTC interval starts."""

    def __init__(self, client: Client, fleet: Fleet, starts64: Datetime64Array) -> None:
        self.client, self.fleet, self.starts64 = client, fleet, starts64.astype("datetime64[s]")
        self._row = {code: row for row, code in enumerate(fleet.spec.code)}
        n, h = fleet.spec.n_devices, self.starts64.size
        self._power_kw, self._stored_kwh = np.full((n, h), np.nan), np.full((n, h), np.nan)
        self._sent = np.zeros((n, h), dtype=bool)
        self._held_kw = np.full(n, np.nan)  # last setpoint a device heard, and until when it holds
        self._held_kvar = np.full(n, np.nan)
        self._held_until = np.full(n, self.starts64[0])

    @property
    def index(self) -> int:
        return self.fleet.state.index

    def answer_setpoints(self) -> Answered:
        """Fetch what is in force for the next interval; reachable devices hear it and accept or refuse.

        May be called again within the interval after the service has reacted to refusals.
        """
        start = from_datetime64(self.starts64[self.index])
        columns = self.client.get(SETPOINTS, {"interval": start.isoformat(), "in_force": "true"})["setpoints"]
        rows = np.array([self._row.get(code, -1) for code in columns["device"]], dtype=np.int64)
        known = rows >= 0
        heard = known.copy()
        heard[known] = self.fleet.reachable(self.index)[rows[known]]
        self._hear(columns, rows, heard)
        refused = self.fleet.refusals(self._targets_kw())
        refuses = np.zeros(rows.size, dtype=bool)
        refuses[heard] = refused[rows[heard]]
        unanswered = np.array([state in ("PLANNED", "SENT") for state in columns["state"]], dtype=bool)
        self._acknowledge(start, columns, rows, heard & unanswered, refuses)
        return Answered(int((heard & ~refuses).sum()), int(refuses.sum()), int((known & ~heard).sum()))

    def kvar(self) -> Floats:
        """(N,) reactive power, injection positive, beside the power each device is sent to or last had."""
        held_kw = self._targets_kw()
        power_kw = np.where(np.isnan(held_kw), self.fleet.state.power_kw, held_kw)
        holds = self._held_until > self.starts64[self.index]
        return given_kvar(self.fleet.spec, np.where(holds, self._held_kvar, np.nan), power_kw)

    def live_and_report(self) -> Reported:
        """Let every device live through the interval, then send the readings that can be sent now."""
        index = self.index
        self._power_kw[:, index] = self.fleet.step(self._targets_kw())
        self._stored_kwh[:, index] = self.fleet.stored_kwh()
        return self._send(self.fleet.reachable(index), index + 1)

    def flush(self) -> Reported:
        """After the day: what devices that dropped out had kept comes in late."""
        return self._send(np.ones(self.fleet.spec.n_devices, dtype=bool), self.index)

    def _hear(self, columns: dict[str, list[Any]], rows: NDArray[np.int64], heard: Bools) -> None:
        """Reachable devices take over exactly what is in force for them: a target, or nothing."""
        reachable = self.fleet.reachable(self.index)
        self._held_kw[reachable] = self._held_kvar[reachable] = np.nan
        until = np.array([as_datetime64(datetime.fromisoformat(text)) for text in columns["expires_at"]])
        target_kw = np.array(columns["target_kw"], dtype=np.float64)
        target_kw[np.array(columns["released"], dtype=bool)] = np.nan
        self._held_kw[rows[heard]] = target_kw[heard]
        self._held_kvar[rows[heard]] = np.array(columns["target_kvar"], dtype=np.float64)[heard]
        if heard.any():
            self._held_until[rows[heard]] = until[heard]

    def _targets_kw(self) -> Floats:
        """(N,) targets for the next interval; a device whose setpoint ran out falls back to its own control."""
        return np.where(self._held_until > self.starts64[self.index], self._held_kw, np.nan)

    def _acknowledge(
        self, start: datetime, columns: dict[str, list[Any]], rows: NDArray[np.int64], answered: Bools, refuses: Bools
    ) -> None:
        places = np.flatnonzero(answered)
        if places.size == 0:
            return
        ids, given = np.array(columns["id"], dtype=np.int64), self.kvar()
        asked = [place for place in places.tolist() if columns["target_kvar"][place] is not None and not refuses[place]]
        message = {
            "interval": start.isoformat(),
            "accepted": ids[places[~refuses[places]]].tolist(),
            "refused": [{"id": int(ids[place]), "reason": "owner limit reached"} for place in places[refuses[places]]],
            "kvar": {str(ids[place]): float(given[rows[place]]) for place in asked},
        }
        self.client.post(ACKNOWLEDGEMENTS, message)

    def _send(self, reachable: Bools, until: int) -> Reported:
        device, interval = np.nonzero(~self._sent[:, :until] & reachable[:, None])
        refused = 0
        for first in range(0, device.size, ROWS_PER_MESSAGE):
            part = slice(first, first + ROWS_PER_MESSAGE)
            answer = self.client.post_msgpack(READINGS, self._packed(device[part], interval[part]))
            refused += len(answer["refused"])
        self._sent[device, interval] = True
        return Reported(int(device.size), refused)

    def _packed(self, device: NDArray[np.int64], interval: NDArray[np.int64]) -> dict[str, Any]:
        """Packed columns (telemetry.protocols.msgpack_columns): codes once, little-endian arrays."""
        used, position = np.unique(device, return_inverse=True)
        return {
            "codes": [self.fleet.spec.code[row] for row in used],
            "device": position.astype("<i4").tobytes(),
            "time_s": self.starts64[interval].astype("<i8").tobytes(),
            "power_kw": self._power_kw[device, interval].astype("<f8").tobytes(),
            "soc_kwh": self._stored_kwh[device, interval].astype("<f8").tobytes(),
        }
