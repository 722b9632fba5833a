"""From rows to messages: the relay leases due jobs and hands them to the broker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connection

from vpp.jobs import operations, schedule
from vpp.jobs.checkup import check_broker
from vpp.lib import clock

logger = logging.getLogger(__name__)

TICK_S = 0.5


def hand_out(*, limit: int = 100) -> int:
    """One step of the relay: lease what is due and send a message for each; returns how many.

    Raises the broker's error; what could not be sent is due again at once. Of a relay that dies in between, the next
    one takes the leases back.
    """
    import dramatiq

    jobs = operations.lease_due(limit=limit)
    broker = dramatiq.get_broker()
    for place, job in enumerate(jobs):
        try:
            broker.get_actor(job.kind).send(job_id=job.pk, attempt=job.attempts)
        except Exception:
            operations.give_back(unsent=jobs[place + 1 :], doubtful=job)
            raise
    return len(jobs)


def run(stop: threading.Event, *, with_schedule: bool = True) -> None:
    """Tick until `stop` is set: turn due schedule slots into jobs, hand out what is due."""
    failed = False
    while not stop.is_set():
        if failed and not check_broker().ok:  # an outage costs nobody an attempt
            stop.wait(TICK_S)
            continue
        failed = False
        try:
            if with_schedule and not clock.is_simulated():
                schedule.tick(at=clock.now())
            handed_out = hand_out()
        except Exception:  # the relay must outlive a database restart; it says so and goes on
            logger.exception("relay tick failed")
            close_old_connections()
            handed_out, failed = 0, True
        if not handed_out:
            stop.wait(TICK_S)
    connection.close()


@contextmanager
def embedded(*, worker_threads: int = 2, with_schedule: bool = False) -> Iterator[None]:
    """Relay and dramatiq workers inside this process, for the in-memory broker."""
    import dramatiq

    stop = threading.Event()
    worker = dramatiq.Worker(dramatiq.get_broker(), worker_threads=worker_threads, worker_timeout=100)
    relay = threading.Thread(
        target=run, args=[stop], kwargs={"with_schedule": with_schedule}, name="relay", daemon=True
    )
    worker.start()
    relay.start()
    try:
        yield
    finally:
        stop.set()
        relay.join(timeout=10)
        worker.stop(timeout=30_000)
