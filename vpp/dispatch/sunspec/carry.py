"""Setpoints from the outbox to SunSpec devices, kept alive there, and readings back."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import numpy as np

from vpp.dispatch import operations
from vpp.dispatch.answers import Answers
from vpp.dispatch.models import Link
from vpp.dispatch.operations import charging
from vpp.dispatch.operations.charging import Sample
from vpp.dispatch.outbox import HELD, Waiting
from vpp.dispatch.sunspec.address import Address
from vpp.dispatch.sunspec.inverter import Inverter, NoControl, NotReached

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=20)
WORKERS = 64


class Carrier:
    """One thread of a pool works with a device at a time; a slow one keeps nobody else waiting.

    dead_man_s : so long a device holds a setpoint that nobody refreshes. It is refreshed three times in that time.
    """

    def __init__(self, now: Callable[[], datetime], *, dead_man_s: int = 120, measure_s: int = 30) -> None:
        self.now, self.dead_man_s, self.measure_s = now, dead_man_s, measure_s
        self.carried = 0
        self._inverters: dict[str, Inverter] = {}
        self._sent_at: dict[int, datetime] = {}
        self._refreshed_at = self._measured_at = datetime.min.replace(tzinfo=now().tzinfo)
        self._pool = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="modbus")

    def turn(self) -> int:
        """Send what waits, refresh what is held, read what is measured. Returns how many setpoints were answered."""
        at = self.now()
        due = self._due(operations.waiting_setpoints(at, Link.Protocol.SUNSPEC), at)
        sendable = operations.mark_sent(due.id.tolist(), at)
        rows = [row for row, number in enumerate(due.id.tolist()) if number in sendable]
        self._sent_at.update({int(due.id[row]): at for row in rows})
        outcomes = self._pool.map(lambda row: self._set(due, row, at), rows)
        answers = Answers()
        for row, (answered, reason, kvar) in zip(rows, outcomes, strict=True):
            if answered:
                answers.add(int(due.id[row]), due.device[row], reason, kvar)
        stored = sum(operations.store_answers(answers, self.now()))
        if at - self._refreshed_at >= timedelta(seconds=self.dead_man_s / 3):
            self._refreshed_at = at
            held = operations.waiting_setpoints(at, Link.Protocol.SUNSPEC, HELD)
            kept = np.flatnonzero(~held.released | ~np.isnan(held.target_kvar)).tolist()
            refreshed = list(self._pool.map(lambda row: self._set(held, row, at), kept))
            told = zip(held.id[kept].tolist(), refreshed, strict=True)
            operations.store_applied({number: kvar for number, (_, _, kvar) in told if kvar is not None})
        if at - self._measured_at >= timedelta(seconds=self.measure_s):
            self._measured_at = at
            self._measure(at)
        self.carried += stored
        return stored

    def close(self) -> None:
        """Setpoints stay: what is in force runs out by the devices' own timers unless a gateway comes back in time."""
        self._pool.shutdown()
        for inverter in self._inverters.values():
            inverter.close()

    def _due(self, waiting: Waiting, at: datetime) -> Waiting:
        ids, late = waiting.id.tolist(), at - RETRY_AFTER
        self._sent_at = {one: self._sent_at[one] for one in ids if one in self._sent_at}
        rows = [row for row, one in enumerate(ids) if one not in self._sent_at or self._sent_at[one] <= late]
        return waiting.take(np.array(rows, dtype=np.int64))

    def _set(self, setpoints: Waiting, row: int, at: datetime) -> tuple[bool, str | None, float | None]:
        """Whether the device answered at all, why it is a refusal (None: it is not), and what reactive power it gives
        (None: it was not asked for any, or does not tell)."""
        address, target_kvar = str(setpoints.address[row]), float(setpoints.target_kvar[row])
        target_kw = None if setpoints.released[row] else float(setpoints.target_kw[row])
        seconds = min(math.ceil((setpoints.expires_at[row] - at).total_seconds()), self.dead_man_s)
        try:
            inverter = self._inverter(address)
            held = _set_power(inverter, target_kw, seconds) and _set_reactive(inverter, target_kvar, seconds)
            kvar = None if math.isnan(target_kvar) else inverter.measure().kvar
            return True, None if held else "accepted, but it does not hold the setpoint", kvar
        except NotReached as error:
            logger.warning("%s does not answer: %s", address, error)
            return False, None, None
        except (NoControl, ValueError) as error:
            return True, str(error), None

    def _measure(self, at: datetime) -> None:
        links = list(Link.objects.filter(protocol=Link.Protocol.SUNSPEC).values_list("device__code", "address"))
        found = self._pool.map(lambda link: self._sample(link[0], link[1], at), links)
        charging.store_samples([sample for sample in found if sample is not None], at)

    def _sample(self, device: str, address: str, at: datetime) -> Sample | None:
        try:
            measured = self._inverter(address).measure()
        except (NotReached, NoControl, ValueError) as error:
            logger.warning("no reading of %s: %s", device, error)
            return None
        return Sample(device, at, measured.power_kw, math.nan if measured.stored_kwh is None else measured.stored_kwh)

    def _inverter(self, address: str) -> Inverter:
        if address not in self._inverters:
            self._inverters[address] = Inverter(Address.parse(address))
        return self._inverters[address]


def _set_power(inverter: Inverter, target_kw: float | None, seconds: int) -> bool:
    """Whether it holds; None releases."""
    if target_kw is None:
        inverter.release()
        return True
    inverter.set_power(target_kw, seconds=seconds)
    return inverter.holds(target_kw)


def _set_reactive(inverter: Inverter, target_kvar: float, seconds: int) -> bool:
    """Whether it holds; NaN releases."""
    if math.isnan(target_kvar):
        inverter.release_reactive()
        return True
    inverter.set_reactive(target_kvar, seconds=seconds)
    return inverter.holds_reactive(target_kvar)
