"""From messages to stored readings: many messages are one batch and one transaction."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg
from django.db import InterfaceError, OperationalError, connection

from telemetry import operations
from telemetry.kernels.batch import in_turn
from telemetry.protocols import mqtt_messages

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


def store(messages: Sequence[tuple[bytes, bytes]], *, at: datetime, tally: Tally, sender: str = "gateway") -> None:
    """Store one batch; when this returns, it is committed. Raises one of DATABASE_ERRORS if nothing of it is.

    What cannot be read is counted and logged: nobody could send it better by waiting.
    """
    found = mqtt_messages.read(messages)
    answers = []
    if found.batch.size or found.batch.refused:
        answers = [
            operations.ingest(part, at=at, principal=None, sites=found.sites, digest_later=True)
            for part in in_turn(found.batch)
        ]
    if found.showings.size or found.showings.refused:
        answers.append(
            operations.ingest_registers(
                found.showings, at=at, principal=None, sites=found.showing_sites, digest_later=True
            )
        )
    if answers:
        refused = [each for answer in answers for each in answer.refused]
        operations.heard(sender, at=at, refused=refused)
        tally.accepted += sum(answer.accepted for answer in answers)
        tally.duplicates += sum(answer.duplicates for answer in answers)
        tally.refused.update(reason for _, reason in refused)
    tally.messages += len(messages)
    for topic, error in found.refused:
        tally.refused[error.code] += 1
        logger.warning("refused a message on %s: %s", topic, error.message)


def store_at_last(
    messages: Sequence[tuple[bytes, bytes]],
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
