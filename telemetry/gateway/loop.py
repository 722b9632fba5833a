"""One turn of the gateway: take what has arrived, store it, acknowledge it."""

from __future__ import annotations

import threading
import time

from telemetry.gateway.session import Arrived, Session
from telemetry.gateway.work import Tally, store_at_last
from vpp.lib import clock

MOST_MESSAGES = 5_000
MOST_BYTES = 8 * 1024 * 1024
LINGER_S = 0.02  # so long a first message waits for others to share its transaction


def take(session: Session, stop: threading.Event) -> Arrived:
    """The messages of the next batch; none when it is time to stop or nothing came for a while."""
    batch = session.receive(0.5)
    if not batch.messages:
        return batch
    size, deadline = _bytes(batch), time.monotonic() + LINGER_S
    while len(batch.messages) < MOST_MESSAGES and size < MOST_BYTES and not stop.is_set():
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        more = session.receive(left_s)
        if more.connection != batch.connection:
            break  # what `batch` holds is stored all the same; the broker will send it again
        batch.messages += more.messages
        size += _bytes(more)
    return batch


def _bytes(batch: Arrived) -> int:
    return sum(len(message.payload) for message in batch.messages)


def turn(session: Session, stop: threading.Event, tally: Tally) -> None:
    """Nothing is acknowledged before it is committed; what a stop leaves over the broker sends again."""
    batch = take(session, stop)
    if not batch.messages:
        return

    def wait(pause_s: float) -> bool:
        session.stay()
        return stop.wait(pause_s)

    messages = [(message.topic, message.payload) for message in batch.messages]
    if store_at_last(messages, now=clock.now, wait=wait, tally=tally, sender=session.name):
        session.acknowledge(batch)
