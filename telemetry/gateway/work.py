"""From messages to stored readings: many messages are one batch and one transaction."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg
from django.db import InterfaceError, OperationalError, connection

from telemetry import operations
from telemetry.protocols import mqtt_messages
from telemetry.protocols.mqtt_messages import SiteReadings
from vpp.lib.errors import DomainError

logger = logging.getLogger(__name__)

DATABASE_ERRORS = (OperationalError, InterfaceError, psycopg.OperationalError, operations.Busy)


class Tally:
    """What became of all messages so far."""

    def __init__(self) -> None:
        self.messages = 0
        self.accepted = 0
        self.duplicates = 0
        self.refused: Counter[str] = Counter()

    def __str__(self) -> str:
        refused = ", ".join(f"{count} {reason}" for reason, count in self.refused.most_common()) or "none"
        return (
            f"{self.messages} messages, {self.accepted} readings stored, {self.duplicates} known already, refused: "
            f"{refused}"
        )


def readable(messages: Sequence[tuple[str, bytes]], tally: Tally) -> list[SiteReadings]:
    """What can be read of (topic, payload); the rest is counted and logged: nobody could send it better by waiting."""
    found = []
    for topic, payload in messages:
        try:
            found.append(mqtt_messages.read(topic, payload))
        except DomainError as error:
            tally.refused[error.code] += 1
            logger.warning("refused a message on %s: %s", topic, error.message)
    return found


def store(messages: Sequence[tuple[str, bytes]], *, at: datetime, tally: Tally, sender: str = "gateway") -> None:
    """Store one batch; when this returns, it is committed. Raises one of DATABASE_ERRORS if nothing of it is."""
    found = readable(messages, tally)
    tally.messages += len(messages)
    if not found:
        return
    batch, sites = mqtt_messages.join(found)
    answer = operations.ingest(batch, at=at, principal=None, sites=sites, digest_later=True)
    operations.heard(sender, at=at, refused=answer.refused)
    tally.accepted += answer.accepted
    tally.duplicates += answer.duplicates
    tally.refused.update(reason for _, reason in answer.refused)


def store_at_last(
    messages: Sequence[tuple[str, bytes]],
    *,
    now: Callable[[], datetime],
    wait: Callable[[float], bool],
    tally: Tally,
    sender: str,
) -> bool:
    """Store, trying again while the database is away; False if `wait` says that it is time to stop."""
    pause_s = 0.1
    while True:
        try:
            store(messages, at=now(), tally=tally, sender=sender)
            return True
        except DATABASE_ERRORS as error:
            logger.warning("the database does not take the readings, again in %.1f s: %s", pause_s, error)
            connection.close()
        if wait(pause_s):
            return False
        pause_s = min(2 * pause_s, 5.0)
