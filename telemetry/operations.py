"""What telemetry does: judges a batch of readings and stores each good one exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from django.db import OperationalError, connection, transaction
from numpy.typing import NDArray

from telemetry.ingest import files, latest, packed, resolve, rollups, rows
from telemetry.ingest.files import ImportReport, Progress
from telemetry.ingest.rows import Outcome
from telemetry.ingest.upkeep import close_days as close_days  # part of what this room does
from telemetry.ingest.upkeep import refresh_rollup as refresh_rollup
from telemetry.kernels.batch import ReadingBatch
from telemetry.kernels.judge import judge
from telemetry.kernels.quality import Refusal
from telemetry.kernels.readings import Readings, once
from telemetry.kernels.rollup import BUCKET_US
from telemetry.protocols.file_types import NarrowFile, WideFile
from telemetry.storage import raw
from telemetry.storage.copying import moment
from telemetry.storage.days import lock_days
from vpp.jobs import operations as jobs
from vpp.lib.errors import DomainError

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

DEADLOCK_TRIES = 3
MAX_AGE_DAYS = 45  # of a reading that a gateway may still send; older ones come as files


class Busy(DomainError):
    """Nothing was stored; the same message may be sent again."""

    code = "busy"
    http_status = 503


@dataclass(frozen=True)
class IngestAnswer:
    """What became of a batch. `refused`: (position in the message, reason of `Refusal`), by position.

    accepted counts stored readings, corrections among them; duplicates are repeats that changed nothing.
    """

    accepted: int
    corrected: int
    duplicates: int
    refused: list[tuple[int, str]]


def ingest(
    batch: ReadingBatch, *, at: datetime, principal: Principal | None, max_age_days: int | None = MAX_AGE_DAYS
) -> IngestAnswer:
    """Store a batch in one transaction: readings, corrections, latest values and rollup.

    A repeat of a stored reading changes nothing. The same device and instant with other values is refused as a conflict
    unless it is marked as a correction; then it becomes a version of its own, known from `at` on.
    `principal=None` is the service's own staff; every other sender writes only to the devices of its own sites.
    """
    at_us = round(at.timestamp() * 1e6)
    judgement = judge(batch, resolve.ratings_of(batch.codes, principal), at_us=at_us, max_age_days=max_age_days)
    kept = slice(None) if judgement.kept.all() else np.flatnonzero(judgement.kept)
    power_kw = batch.power_kw[kept]
    readings = Readings(
        device_id=judgement.device_id[kept],
        time_us=batch.time_us[kept],
        power_kw=power_kw,
        energy_kwh=batch.energy_kwh[kept],
        soc_kwh=batch.soc_kwh[kept],
        voltage_pu=batch.voltage_pu[kept],
        quality=judgement.quality[kept],
        first_available_us=np.full(power_kw.size, at_us),
        available_us=np.full(power_kw.size, at_us),
    )
    refused = batch.refused + judgement.refusals(batch.row)
    row, marked = batch.row[kept], batch.correction[kept]
    unique, repeats, contradicting = once(readings)
    refused += [(int(place), Refusal.REPEATED_IN_BATCH) for place in row[contradicting]]
    if unique is not None:
        readings, row, marked = readings.take(unique), row[unique], marked[unique]
    outcome, corrected = _store_in_one_transaction(readings, marked, at_us)
    refused += [(int(place), Refusal.CONFLICT) for place in row[outcome == Outcome.DIFFERENT]]
    return IngestAnswer(
        accepted=int((outcome == Outcome.FRESH).sum()),
        corrected=corrected,
        duplicates=int((outcome == Outcome.SAME).sum()) + repeats,
        refused=sorted(refused),
    )


def _store_in_one_transaction(
    readings: Readings, marked: NDArray[np.bool_], at_us: int
) -> tuple[NDArray[np.int8], int]:
    """Two batches that correct the same buckets crosswise may block each other; the one thrown out goes again."""
    for _ in range(DEADLOCK_TRIES):
        try:
            with transaction.atomic():
                return _store(readings, marked, at_us)
        except (psycopg.errors.DeadlockDetected, OperationalError) as error:
            deadlock = isinstance(error.__cause__ or error, psycopg.errors.DeadlockDetected)
            if not deadlock:
                raise
            if connection.in_atomic_block:
                raise Busy("another batch holds the same readings; send this one again") from error
    raise Busy("other batches hold the same readings; send this one again")


def _store(readings: Readings, marked: NDArray[np.bool_], at_us: int) -> tuple[NDArray[np.int8], int]:
    """(n,) Outcome of each reading and how many were corrections. `readings` are ordered by (device, time)."""
    outcome = np.full(readings.size, Outcome.FRESH, dtype=np.int8)
    if readings.size == 0:
        return outcome, 0
    whole_days = packed.candidates(readings, at_us) & ~marked
    lock_days(shared=readings.days(), exclusive=readings.take(whole_days).days() if whole_days.any() else [])
    if whole_days.any():
        whole_days[whole_days] = packed.untouched(readings.take(whole_days))
    if whole_days.any():
        packed.store(readings.take(whole_days))
    corrected = 0
    single = np.flatnonzero(~whole_days)
    if single.size:
        outcome[single], corrected = _store_rows(readings.take(single), marked[single])
    stored = outcome == Outcome.FRESH
    if stored.any():
        latest.advance(readings.take(stored))
    return outcome, corrected


def _store_rows(readings: Readings, marked: NDArray[np.bool_]) -> tuple[NDArray[np.int8], int]:
    pairs = raw.packed_pairs(readings.days(), readings.device_id)
    outcome = rows.insert(readings, pairs)
    fresh = outcome == Outcome.FRESH
    in_packed_day = readings.in_pairs(pairs)
    if (fresh & ~in_packed_day).any():
        again = rollups.add(readings.take(fresh & ~in_packed_day))
        if again.size:
            _refresh_later(int(again[-1]), int(readings.available_us[0]))
    different = np.flatnonzero(outcome == Outcome.DIFFERENT)
    corrected = np.zeros(readings.size, dtype=bool)
    if different.size:
        outcome[different] = rows.correct(readings.take(different), marked[different])
        corrected[different] = outcome[different] == Outcome.FRESH
    anew = corrected | (fresh & in_packed_day)
    if anew.any():
        rollups.refresh(*rollups.touched(readings.take(anew)))
    return outcome, int(corrected.sum())


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


def import_file(
    file: WideFile | NarrowFile, *, at: datetime, progress: Progress, dry_run: bool = False
) -> ImportReport:
    """Ingest a file that was read as a whole, one UTC day a transaction, as the service's own staff.

    Safe to repeat and to resume: what is stored already counts as a duplicate. A dry run stores nothing but reports the
    same. Raises UnreadableFile, having stored nothing, if the file names a device that is not enrolled.
    """
    files.refuse_unknown_devices(file)
    report = ImportReport(repeated_hours=file.repeated_hours)
    for batch in file.batches():
        with transaction.atomic():
            answer = ingest(batch, at=at, principal=None, max_age_days=None)
            transaction.set_rollback(dry_run)
        report.rows += batch.size
        report.accepted += answer.accepted
        report.corrected += answer.corrected
        report.duplicates += answer.duplicates
        report.reasons.update(reason for _, reason in answer.refused)
        report.shown += answer.refused[: files.SHOWN_REFUSALS - len(report.shown)]
        progress(batch.size)
    return report
