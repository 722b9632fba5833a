"""One turn of the gateway: store the answers that came, then send what waits."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch import operations
from vpp.dispatch.answers import Answers
from vpp.dispatch.gateway.messages import (
    Command,
    Commands,
    Unreadable,
    command_topic,
    commands_topic,
    encode,
    is_bulk,
    read_ack,
    read_acks,
)
from vpp.dispatch.outbox import Waiting, or_none
from vpp.lib import clock

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=20)  # a command without an answer is sent once more; devices know it by its id
LOOK_AFTER = timedelta(seconds=2)  # so often the whole outbox is looked at, though nothing new seems to be in it
MOST_ANSWERS = 20_000  # stored at once
MOST_COMMANDS = 10_000  # between two looks at the answers
MOST_IN_A_MESSAGE = 1_000
LINGER_S = 0.05  # so long the first answer waits for others
LONGEST_S = 0.3  # and no longer than this for all of them, while more keep coming


class Link(Protocol):
    """What a turn needs of the session."""

    answers: queue.SimpleQueue[tuple[str, bytes]]

    def send(self, topic: str, payload: bytes, *, seconds_left: float) -> bool: ...


@dataclass
class Outbox:
    """When each command was last sent by this process; a process that starts again sends what is unanswered."""

    sent_at: dict[int, datetime] = field(default_factory=dict)
    sent: int = 0
    stored: int = 0
    newest_cycle: int = -1
    looked_at: datetime | None = None
    retry_after: timedelta = RETRY_AFTER

    def due(self, waiting: Waiting, at: datetime) -> Waiting:
        """Those never sent by us, or so long ago that the answer is overdue; what no longer waits is forgotten."""
        ids = waiting.id.tolist()
        self.sent_at = {one: self.sent_at[one] for one in ids if one in self.sent_at}
        late = at - self.retry_after
        rows = [row for row, one in enumerate(ids) if one not in self.sent_at or self.sent_at[one] <= late]
        return waiting.take(np.array(rows, dtype=np.int64))

    def worth_a_look(self, newest_cycle: int, at: datetime) -> bool:
        """False while nothing was written and no answer can be overdue: an idle turn costs one look at an index."""
        rested = self.looked_at is not None and timedelta(0) <= at - self.looked_at < LOOK_AFTER
        if rested and newest_cycle == self.newest_cycle:
            return False
        self.newest_cycle, self.looked_at = newest_cycle, at
        return True


def turn(link: Link, outbox: Outbox, at: datetime) -> int:
    """Returns how many commands went out. A setpoint is SENT, and that is committed, before its command leaves."""
    outbox.stored += store_answers(link, clock.now, linger_s=LINGER_S)
    if not outbox.worth_a_look(operations.newest_cycle(), at):
        return 0
    due, count = outbox.due(operations.waiting_setpoints(at), at), 0
    if due.size:
        due = due.take(np.argsort(due.address, kind="stable"))  # the devices of a gateway side by side
    for first in range(0, due.size, MOST_COMMANDS):
        count += _send(link, outbox, due.take(np.arange(first, min(first + MOST_COMMANDS, due.size))), at)
        outbox.stored += store_answers(link, clock.now, linger_s=0.0)
    outbox.sent += count
    return count


def _send(link: Link, outbox: Outbox, due: Waiting, at: datetime) -> int:
    sendable, count = operations.mark_sent(due.id.tolist(), clock.now()), 0
    left_s = np.array([(until - at).total_seconds() for until in due.expires_at])
    fresh = np.array([one in sendable for one in due.id.tolist()], dtype=bool)
    due, left_s = due.take(fresh & (left_s > 0)), left_s[fresh & (left_s > 0)]  # not superseded or run out meanwhile
    for topic, payload, rows in _messages(due):
        if link.send(topic, payload, seconds_left=float(left_s[rows].max())):
            outbox.sent_at.update(dict.fromkeys(due.id[rows].tolist(), at))
            count += rows.size
    return count


def _messages(due: Waiting) -> Iterator[tuple[str, bytes, NDArray[Any]]]:
    """Topic, payload and rows of each message: one a device, or up to a thousand for a gateway of many."""
    for row in np.flatnonzero(due.address == ""):
        yield command_topic(due.site[row], due.device[row]), encode(_command(due, row)), np.array([row])
    for address in dict.fromkeys(due.address[due.address != ""]):
        rows = np.flatnonzero(due.address == address)
        for first in range(0, rows.size, MOST_IN_A_MESSAGE):
            part = rows[first : first + MOST_IN_A_MESSAGE]
            yield commands_topic(address), encode(_commands(due.take(part))), part


def store_answers(link: Link, now: Callable[[], datetime], *, linger_s: float) -> int:
    """Acknowledgements and refusals that have arrived, stored at `now()`. Returns how many counted."""
    answers, ends = Answers(), time.monotonic() + LONGEST_S
    while len(answers) < MOST_ANSWERS:
        try:
            topic, payload = link.answers.get(timeout=linger_s) if linger_s else link.answers.get_nowait()
        except queue.Empty:
            break
        try:
            _read(topic, payload, answers)
        except Unreadable as error:
            logger.warning("refused an answer: %s", error)
        if time.monotonic() > ends:
            break
    return sum(operations.store_answers(answers, now()))


def _read(topic: str, payload: bytes, answers: Answers) -> None:
    if is_bulk(topic):
        gateway, acks = read_acks(topic, payload)
        for accepted in acks.accepted:
            answers.add_of_gateway(accepted, gateway, None)
        for refusal in acks.refused:
            answers.add_of_gateway(refusal.id, gateway, refusal.reason)
        answers.applied_kvar.update({(number, gateway): kvar for number, kvar in acks.kvar.items()})
    else:
        device, ack = read_ack(topic, payload)
        answers.add(ack.id, device, None if ack.accepted else ack.reason, ack.kvar)


def _command(due: Waiting, row: np.integer[Any]) -> Command:
    d = due
    return Command(
        int(d.id[row]), d.interval_start[row], int(d.sequence[row]), float(d.target_kw[row]), bool(d.released[row]),
        d.issued_at[row], d.expires_at[row], or_none(d.target_kvar[row : row + 1])[0],
    )  # fmt: skip


def _commands(due: Waiting) -> Commands:
    return Commands(
        issued=due.issued_at.max(),
        id=due.id.tolist(),
        device=due.device.tolist(),
        interval_start=due.interval_start.tolist(),
        sequence=due.sequence.tolist(),
        target_kw=due.target_kw.tolist(),
        released=due.released.tolist(),
        expires=due.expires_at.tolist(),
        target_kvar=None if np.isnan(due.target_kvar).all() else or_none(due.target_kvar),
    )
