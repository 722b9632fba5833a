"""One turn of a live fleet: hear commands, let answers arrive, live a step when it is time, report."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from vpp.simulation.client import Client
from vpp.simulation.kernels.link_faults import AnswerQueue
from vpp.simulation.live.devices import LiveFleet
from vpp.simulation.live.links import CommandLink

READINGS = "/api/v1/telemetry/readings"
ROWS_PER_MESSAGE = 9_000
GIVE_UP_AFTER = timedelta(minutes=10)  # steps that lie so far back are lived, and not reported


class LiveRunner:
    """Holds the readings that could not be sent yet, and sends them when the service is there again."""

    def __init__(self, client: Client, link: CommandLink, fleet: LiveFleet, answers: AnswerQueue) -> None:
        self.client, self.link, self.fleet, self.answers = client, link, fleet, answers
        self._unsent: list[dict[str, Any]] = []

    @property
    def size(self) -> int:
        return len(self.fleet.row)

    def start(self, at: datetime) -> None:
        self.fleet.start(at)

    def turn(self, at: datetime) -> str:
        """A line to print after each step, "" otherwise."""
        now_s = at.timestamp()
        for delivery in self.link.take(at, self.fleet.row):
            accepted, refused = self.fleet.hear(delivery.heard, now_s)
            given: list[object] = [(delivery.reply, one, True) for one in accepted]
            self.answers.put(given + [(delivery.reply, one, False) for one in refused], now_s)
        self._answer(self.answers.take(now_s))
        line = ""
        while self.fleet.next_step_at() <= at:
            line = self._step(at)
        return line

    def _answer(self, arrived: list[Any]) -> None:
        by_reply: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for reply, number, accepted in arrived:
            by_reply[reply][0 if accepted else 1].append(number)
        for reply, (accepted, refused) in by_reply.items():
            self.link.answer(reply, accepted, refused, self.fleet.given_for(accepted))

    def _step(self, at: datetime) -> str:
        ended = self.fleet.next_step_at()
        readings = self.fleet.live()
        if at - ended < GIVE_UP_AFTER:
            self._unsent.append(readings)
        while self._unsent:
            self._send(self._unsent[0])
            self._unsent.pop(0)
        kind = self.fleet.kinds()
        own = np.array([kind[self.fleet.row[code]] != "METER" for code in readings["codes"]], dtype=bool)
        power_kw = np.frombuffer(readings["power_kw"], dtype="<f8")[own].sum()  # a meter is the sum of its site
        held, c = int((self.fleet.until_s > ended.timestamp()).sum()), self.fleet.counts
        return (
            f"{ended:%H:%M:%S}Z  {power_kw:+10.1f} kW of {len(readings['codes']):,} devices, {held:,} under a setpoint;"
            f" heard {c.heard:,}, acted {c.acted:,}, repeats {c.repeated:,}, outdated {c.outdated:,},"
            f" refused {c.refused:,}"
        )

    def _send(self, readings: dict[str, Any]) -> None:
        for first in range(0, len(readings["codes"]), ROWS_PER_MESSAGE):
            part = slice(first, first + ROWS_PER_MESSAGE)
            codes = readings["codes"][part]
            columns = {
                name: np.frombuffer(readings[name], dtype=kind)[part].tobytes()
                for name, kind in (("time_s", "<i8"), ("power_kw", "<f8"), ("soc_kwh", "<f8"))
            }
            device = np.arange(len(codes)).astype("<i4").tobytes()
            self.client.post_msgpack(READINGS, {"codes": codes, "device": device} | columns)
