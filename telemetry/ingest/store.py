"""Stores judged readings in one transaction, each exactly once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import psycopg
from django.db import OperationalError, connection, transaction
from numpy.typing import NDArray

from telemetry.ingest import latest, packed, rollups, rows
from telemetry.ingest.rows import Outcome
from telemetry.kernels.readings import Readings
from telemetry.kernels.rollup import BUCKET_US
from telemetry.storage import arrivals, raw
from telemetry.storage.copying import moment
from telemetry.storage.days import ensure_days, lock_days, open_days_for_rows
from vpp.jobs import operations as jobs
from vpp.lib.errors import DomainError

DEADLOCK_TRIES = 3
DIGEST_DELAY = timedelta(seconds=5)  # so much comes together before latest values and rollup are brought up
MINUTE_US = 60_000_000


class Busy(DomainError):
    """Nothing was stored; the same message may be sent again."""

    code = "busy"
    http_status = 503


@dataclass(frozen=True)
class Hints:
    """What is known of the days of a batch before it is stored."""

    some_packed: bool  # some of them have packed days
    repeated: bool  # its first key is stored already: it probably comes again


def store(
    readings: Readings, marked: NDArray[np.bool_], *, at_us: int, digest_later: bool
) -> tuple[NDArray[np.int8], int]:
    """(n,) Outcome of each reading and how many were corrections. `readings` are ordered by (device, time).

    Two batches that correct the same buckets crosswise may block each other; the one thrown out goes again.
    """
    if readings.size == 0:
        return np.empty(0, dtype=np.int8), 0
    for _ in range(DEADLOCK_TRIES):
        try:
            with transaction.atomic():
                return _store(readings, marked, at_us, digest_later)
        except (psycopg.errors.DeadlockDetected, OperationalError) as error:
            deadlock = isinstance(error.__cause__ or error, psycopg.errors.DeadlockDetected)
            if not deadlock:
                raise
            if connection.in_atomic_block:
                raise Busy("another batch holds the same readings; send this one again") from error
    raise Busy("other batches hold the same readings; send this one again")


def _store(
    readings: Readings, marked: NDArray[np.bool_], at_us: int, digest_later: bool
) -> tuple[NDArray[np.int8], int]:
    whole_days = packed.candidates(readings, at_us) & ~marked
    if not whole_days.any():
        first_key = int(readings.time_us[0]), int(readings.device_id[0])
        some_packed, repeated = open_days_for_rows(readings.days(), first_key)
        hints = Hints(some_packed=some_packed, repeated=repeated)
        return _store_rows(readings, marked, hints, digest_later=digest_later)
    lock_days(shared=readings.days(), exclusive=readings.take(whole_days).days())
    whole_days[whole_days] = packed.untouched(readings.take(whole_days))
    outcome, corrected = np.full(readings.size, Outcome.FRESH, dtype=np.int8), 0
    if whole_days.any():
        packed.store(readings.take(whole_days))
        latest.advance(readings.take(whole_days))
    single = np.flatnonzero(~whole_days)
    if single.size:
        part = readings.take(single)
        ensure_days(part.days())
        outcome[single], corrected = _store_rows(
            part, marked[single], Hints(some_packed=True, repeated=False), digest_later=digest_later
        )
    return outcome, corrected


def _store_rows(
    readings: Readings, marked: NDArray[np.bool_], hints: Hints, *, digest_later: bool
) -> tuple[NDArray[np.int8], int]:
    pairs = np.empty(0, dtype=np.int64)
    if hints.some_packed:
        pairs = raw.packed_pairs(readings.days(), readings.device_id)
    outcome = rows.insert(readings, pairs, repeated=hints.repeated)
    plain = (outcome == Outcome.FRESH) & ~readings.in_pairs(pairs)
    in_question = np.flatnonzero((outcome == Outcome.DIFFERENT) | ((outcome == Outcome.SAME) & marked))
    corrected = 0
    if in_question.size:
        as_first = outcome[in_question] == Outcome.SAME
        available_us = readings.available_us.copy()
        outcome[in_question], available_us[in_question] = rows.correct(
            readings.take(in_question), marked[in_question], as_first
        )
        readings = replace(readings, available_us=available_us)
        corrected = int((outcome[in_question] == Outcome.FRESH).sum())
    anew = (outcome == Outcome.FRESH) & ~plain  # corrections, and late readings of packed days
    if plain.any() and digest_later:
        arrivals.add(readings.take(plain))
        digest_soon(int(readings.available_us[0]))
    elif plain.any():
        bring_up_rollup(readings.take(plain), present_us=None)
    if anew.any():
        rollups.refresh(*rollups.touched(readings.take(anew)))
    at_once = anew if digest_later else anew | plain
    if at_once.any():
        latest.advance(readings.take(at_once))
    return outcome, corrected


def bring_up_rollup(fresh: Readings, *, present_us: int | None) -> None:
    """Roll up rows that are new; what comes in parts is left to a job of the quarter hour."""
    again = rollups.add(fresh, present_us=present_us)
    if again.size:
        _refresh_later(int(again[-1]), int(fresh.available_us.max()))


_last_digest = ""  # the job that this process wrote last, once that is committed


def digest_soon(at_us: int) -> None:
    """A job that digests what has arrived, one for all messages of a minute."""
    natural_key = f"telemetry.digest:{moment(at_us - at_us % MINUTE_US).isoformat()}"
    if natural_key != _last_digest:
        jobs.enqueue(kind="telemetry.digest", natural_key=natural_key, payload={}, at=moment(at_us), delay=DIGEST_DELAY)
        transaction.on_commit(lambda: _remember(natural_key))


def _remember(natural_key: str) -> None:
    global _last_digest
    _last_digest = natural_key


def _refresh_later(last_bucket_us: int, at_us: int) -> None:
    """A job that rolls up the touched buckets that have ended, one for all batches of the same quarter hour.

    Devices that report every minute touch the present bucket: its readings wait for the job of the next one. Late
    data touches older ones, which are taken at once.
    """
    present_us = at_us - at_us % BUCKET_US
    before = moment(min(last_bucket_us + BUCKET_US, present_us))
    jobs.enqueue(
        kind="telemetry.refresh_rollup",
        natural_key=f"telemetry.refresh_rollup:{before.isoformat()}@{moment(present_us).isoformat()}",
        payload={"before": before.isoformat()},
        at=moment(at_us),
    )
