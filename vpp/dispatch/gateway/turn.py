"""One turn of the gateway: store the answers that came, then send what waits."""

from __future__ import annotations

import logging
import queue
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from vpp.dispatch import operations
from vpp.dispatch.gateway.messages import Command, Unreadable, command_topic, encode, read_ack
from vpp.dispatch.operations.gateway import Waiting

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=20)  # a command without an answer is sent once more; devices know it by its id
MOST_ANSWERS = 20_000
MOST_COMMANDS = 1_000  # between two looks at the answers
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

    def due(self, waiting: list[Waiting], at: datetime) -> list[Waiting]:
        """Those never sent by us, or so long ago that the answer is overdue; what no longer waits is forgotten."""
        self.sent_at = {one.id: self.sent_at[one.id] for one in waiting if one.id in self.sent_at}
        return [one for one in waiting if one.id not in self.sent_at or at - self.sent_at[one.id] >= RETRY_AFTER]


def turn(link: Link, outbox: Outbox, at: datetime) -> int:
    """Returns how many commands went out. A setpoint is SENT, and that is committed, before its command leaves."""
    outbox.stored += store_answers(link, at, linger_s=LINGER_S)
    due, count = outbox.due(operations.waiting_setpoints(at), at), 0
    for first in range(0, len(due), MOST_COMMANDS):
        count += _send(link, outbox, due[first : first + MOST_COMMANDS], at)
        outbox.stored += store_answers(link, at, linger_s=0.0)
    outbox.sent += count
    return count


def _send(link: Link, outbox: Outbox, due: list[Waiting], at: datetime) -> int:
    sendable, count = operations.mark_sent([one.id for one in due], at), 0
    for one in due:
        left_s = (one.expires_at - at).total_seconds()
        if one.id not in sendable or left_s <= 0:
            continue  # superseded or run out meanwhile
        if link.send(command_topic(one.site, one.device), encode(_command(one)), seconds_left=left_s):
            outbox.sent_at[one.id] = at
            count += 1
    return count


def store_answers(link: Link, at: datetime, *, linger_s: float) -> int:
    """Acknowledgements and refusals that have arrived; a device answers for itself only. Returns how many counted."""
    accepted: dict[int, str] = {}
    refused: dict[int, tuple[str, str]] = {}
    ends = time.monotonic() + LONGEST_S
    for _ in range(MOST_ANSWERS):
        try:
            topic, payload = link.answers.get(timeout=linger_s) if linger_s else link.answers.get_nowait()
        except queue.Empty:
            break
        try:
            device, ack = read_ack(topic, payload)
        except Unreadable as error:
            logger.warning("refused an answer: %s", error)
            continue
        if ack.accepted:
            accepted[ack.id] = device
        else:
            refused[ack.id] = (device, ack.reason)
        if time.monotonic() > ends:
            break
    if not accepted and not refused:
        return 0
    answered = operations.store_device_answers(accepted, refused, at)
    return answered.acknowledged + answered.refused


def _command(one: Waiting) -> Command:
    return Command(one.id, one.interval_start, one.sequence, one.target_kw, one.released, one.issued_at, one.expires_at)
