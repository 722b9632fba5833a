"""One turn of the gateway: take what has arrived, store it, acknowledge it."""

from __future__ import annotations

import queue
import threading
import time

from telemetry.gateway.session import Arrived, Session
from telemetry.gateway.work import Tally, store_at_last
from vpp.lib import clock

MOST_MESSAGES = 5_000
MOST_BYTES = 8 * 1024 * 1024
LINGER_S = 0.02  # so long a first message waits for others to share its transaction


def take(session: Session, stop: threading.Event) -> list[Arrived]:
    """The messages of the next batch; none when it is time to stop or nothing came for a while."""
    try:
        first = session.arrived.get(timeout=0.5)
    except queue.Empty:
        return []
    batch, size, deadline = [first], len(first.payload), time.monotonic() + LINGER_S
    while len(batch) < MOST_MESSAGES and size < MOST_BYTES and not stop.is_set():
        try:
            message = session.arrived.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        batch.append(message)
        size += len(message.payload)
    return batch


def turn(session: Session, stop: threading.Event, tally: Tally) -> None:
    """Nothing is acknowledged before it is committed; what a stop leaves over the broker sends again."""
    batch = take(session, stop)
    if not batch:
        return
    messages = [(message.topic, message.payload) for message in batch]
    if store_at_last(messages, now=clock.now, wait=stop.wait, tally=tally, sender=session.name):
        session.acknowledge(batch)
