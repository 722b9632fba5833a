"""How a room says what its jobs do.

A handler is declared once, in a room's `actors.py`; from it come the dramatiq actor that receives the message and the
retry rule that the job row follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import Any

import dramatiq

Work = Callable[..., "dict[str, Any] | None"]

LEASE_MARGIN_S = 30


@dataclass(frozen=True)
class Handler:
    """What runs for a kind of job, and how long and how often it may try."""

    kind: str
    run: Work
    queue: str
    time_limit_s: int
    max_attempts: int
    throws: tuple[type[Exception], ...]
    first_wait_s: int

    @property
    def lease_s(self) -> int:
        """A lease outlives the time limit, so that a job that still runs is not handed out again."""
        return self.time_limit_s + LEASE_MARGIN_S

    def wait_s(self, attempts: int) -> int:
        """Seconds until the next try after `attempts` tries: doubling, at most an hour."""
        return min(self.first_wait_s * 2 ** max(attempts - 1, 0), 3600)


@dataclass(frozen=True)
class Schedule:
    """A job that is due every local day at a wall-clock time; `payload` gets that day's date as ISO text."""

    name: str
    kind: str
    queue: str
    local_time: time
    time_zone: str
    payload: Callable[[str], dict[str, Any]]


HANDLERS: dict[str, Handler] = {}
SCHEDULES: dict[str, Schedule] = {}


def job_handler(
    kind: str,
    *,
    queue: str,
    time_limit_s: int = 600,
    max_attempts: int = 5,
    throws: tuple[type[Exception], ...] = (),
    first_wait_s: int = 10,
) -> Callable[[Work], Work]:
    """Declare the work of a job kind. It is called with `at` and the payload's keys, and must be safe to run twice.

    throws : expected errors; they end the job as FAILED without a retry.
    """

    def declare(run: Work) -> Work:
        HANDLERS[kind] = Handler(kind, run, queue, time_limit_s, max_attempts, throws, first_wait_s)

        def deliver(job_id: int, attempt: int) -> None:
            from vpp.jobs import operations

            operations.run_leased(job_id=job_id, attempt=attempt)

        dramatiq.actor(actor_name=kind, queue_name=queue, time_limit=time_limit_s * 1000)(deliver)
        return run

    return declare


def daily(name: str, *, kind: str, local_time: time, time_zone: str, payload: Callable[[str], dict[str, Any]]) -> None:
    """Schedule a declared job kind for every local day."""
    SCHEDULES[name] = Schedule(name, kind, HANDLERS[kind].queue, local_time, time_zone, payload)
