"""Setpoints from the outbox to stations, and what the stations answered back into it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from ocpp.exceptions import OCPPError
from websockets.exceptions import ConnectionClosed

from vpp.dispatch import operations
from vpp.dispatch.answers import Answers
from vpp.dispatch.ocpp.server import CentralSystem
from vpp.dispatch.ocpp.station import OBEY_TOLERANCE_PU, Limit, Station
from vpp.dispatch.operations import charging
from vpp.dispatch.outbox import Waiting
from vpp.lib.units import W_PER_KW

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=20)
COMPOSITE_S = 60


@dataclass
class Carrier:
    """One turn at a time; `sent_at` remembers what this process sent, a new process sends what is unanswered."""

    system: CentralSystem
    sent_at: dict[int, datetime] = field(default_factory=dict)
    carried: int = 0

    async def turn(self) -> int:
        """Send what waits for connected stations; store readings and answers. Returns how many were answered."""
        at, system = self.system.now(), self.system
        samples, system.samples[:] = list(system.samples), []
        if samples:
            await system.in_database(charging.store_samples, samples, at)
        waiting = await system.in_database(operations.waiting_setpoints, at, "OCPP")
        due = self._due(waiting, at)
        sendable = await system.in_database(operations.mark_sent, due.id.tolist(), at) if due.size else set()
        rows = [row for row, number in enumerate(due.id.tolist()) if number in sendable]
        self.sent_at.update({int(due.id[row]): at for row in rows})
        outcomes = await asyncio.gather(*(self._carry(due, row, at) for row in rows))
        answers = Answers()
        for row, (answered, reason) in zip(rows, outcomes, strict=True):
            if answered:
                answers.add(int(due.id[row]), due.device[row], reason)
        stored = await system.in_database(operations.store_answers, answers, system.now())
        self.carried += sum(stored)
        return sum(stored)

    def _due(self, waiting: Waiting, at: datetime) -> Waiting:
        ids = waiting.id.tolist()
        self.sent_at = {one: self.sent_at[one] for one in ids if one in self.sent_at}
        late = at - RETRY_AFTER
        rows = [
            row
            for row, one in enumerate(ids)
            if waiting.address[row].rpartition("/")[0] in self.system.stations
            and (one not in self.sent_at or self.sent_at[one] <= late)
        ]
        return waiting.take(np.array(rows, dtype=np.int64))

    async def _carry(self, due: Waiting, row: int, at: datetime) -> tuple[bool, str | None]:
        """Whether there was an answer at all, and why it is a refusal (None: it is not)."""
        code, _, evse = due.address[row].rpartition("/")
        station = self.system.stations.get(code)
        if station is None:
            return False, None
        try:
            if due.released[row]:
                said = await station.clear_limit(int(evse))
                return True, None if said == "Accepted" else said
            seconds = int((due.expires_at[row] - due.interval_start[row]).total_seconds())
            limit = Limit(int(evse), max(float(due.target_kw[row]), 0.0) * W_PER_KW, due.interval_start[row], seconds)
            said = await station.set_limit(limit)
            return True, await self._taken_over(station, limit, at) if said == "Accepted" else said
        except (TimeoutError, ConnectionClosed):
            logger.warning("station %s did not answer", code)
            return False, None
        except OCPPError as error:
            return True, f"error: {error.code}"

    async def _taken_over(self, station: Station, limit: Limit, at: datetime) -> str | None:
        """None, or what the station's own schedule says instead, although it accepted. One that cannot tell is
        believed, and its meter will show."""
        if at < limit.start:
            return None
        try:
            composite_w = await station.composite_w(limit.evse, COMPOSITE_S)
        except (TimeoutError, OCPPError):
            return None
        if composite_w is None or composite_w <= limit.watts * (1.0 + OBEY_TOLERANCE_PU) + 50.0:
            return None
        return f"accepted, but its schedule stands at {composite_w / W_PER_KW:.1f} kW"
