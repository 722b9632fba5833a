"""The checks of `manage.py doctor`; each names what it found and, where it is wrong, the remedy."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import DatabaseError, connection

CLOCK_TOLERANCE_S = 2.0
LEAST_FREE_GB = 2.0
ROUND_TRIP_S = 15
OLDEST_POSTGRESQL = 15_00_00


@dataclass(frozen=True)
class Finding:
    subject: str
    ok: bool
    message: str
    remedy: str = ""


def run_checks() -> list[Finding]:
    return [check() for check in CHECKS]


def check_database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
            number, version = cursor.fetchone()
    except DatabaseError as error:
        return Finding("database", False, str(error).strip(), "check DATABASE_URL and that the server runs")
    if number < OLDEST_POSTGRESQL:
        return Finding("database", False, f"PostgreSQL {version}", "upgrade to PostgreSQL 15 or newer")
    return Finding("database", True, f"PostgreSQL {version}")


def check_migrations() -> Finding:
    from django.db.migrations.executor import MigrationExecutor

    from vpp.accounts.migration_history import REMEDY, other_history, waiting_migrations

    try:
        wrong = other_history(connection)
        waiting = waiting_migrations(MigrationExecutor(connection))
    except DatabaseError as error:
        return Finding("migrations", False, str(error).strip(), "mend the database first")
    if wrong:
        return Finding("migrations", False, wrong, REMEDY)
    if waiting:
        return Finding("migrations", False, f"{len(waiting)} not applied", "run: manage.py migrate")
    return Finding("migrations", True, "all applied")


def check_clock() -> Finding:
    """The database's clock stamps nothing, but a difference between machines shows that one of them is wrong."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (theirs,) = cursor.fetchone()
    except DatabaseError as error:
        return Finding("clock", False, str(error).strip(), "mend the database first")
    skew_s = abs((datetime.now(UTC) - theirs).total_seconds())
    if skew_s > CLOCK_TOLERANCE_S:
        return Finding("clock", False, f"{skew_s:.1f} s apart from the database", "synchronise both machines by NTP")
    return Finding("clock", True, f"within {skew_s:.2f} s of the database, UTC {datetime.now(UTC):%Y-%m-%d %H:%M:%S}")


def check_broker() -> Finding:
    if not settings.BROKER_URL:
        return Finding("broker", True, "in memory, inside 'manage.py serve'")
    import dramatiq

    broker = dramatiq.get_broker()
    try:
        for queue in sorted(broker.get_declared_queues()):
            broker.get_queue_message_counts(queue) if hasattr(
                broker, "get_queue_message_counts"
            ) else broker.client.ping()  # type: ignore[attr-defined]
            break
    except Exception as error:  # every client library has its own family of connection errors
        return Finding(
            "broker", False, f"{type(error).__name__}: {error}", "check VPP_BROKER_URL and that the broker runs"
        )
    return Finding("broker", True, "answers")


def check_data_folder() -> Finding:
    folder = settings.DATA_DIR
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return Finding("data folder", False, f"{folder} cannot be written", "set VPP_DATA_DIR to a folder of your own")
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < LEAST_FREE_GB:
        return Finding("data folder", False, f"{folder} has {free_gb:.1f} GB left", "free some disk space")
    return Finding("data folder", True, f"{folder}, {free_gb:.0f} GB free")


def check_round_trip(*, at: datetime) -> Finding:
    """Send a ping through relay, broker and worker; with the in-memory broker this process plays all three."""
    from vpp.jobs import operations, relay
    from vpp.jobs.actors import PING
    from vpp.jobs.identity import this_process
    from vpp.jobs.models import Job

    key = f"ping:{this_process()}:{at.isoformat()}"
    job = operations.enqueue(kind=PING, natural_key=key, payload={"sent_by": this_process()}, at=at)
    with nullcontext() if settings.BROKER_URL else relay.embedded():
        for _ in range(ROUND_TRIP_S * 10):
            time.sleep(0.1)
            job.refresh_from_db()
            if job.state == Job.State.DONE:
                waited_s = (operations.wall_now() - job.created_at).total_seconds()
                return Finding("round trip", True, f"answered within {waited_s:.1f} s")
    return Finding("round trip", False, f"no answer in {ROUND_TRIP_S} s", "start: manage.py relay, manage.py worker")


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_database,
    check_migrations,
    check_clock,
    check_broker,
    check_data_folder,
)
