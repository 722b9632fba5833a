"""What telemetry does: judges a batch of readings and stores each good one exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction

from telemetry.ingest import files, registers, resolve
from telemetry.ingest.alarms import heard as heard
from telemetry.ingest.alarms import watch as watch
from telemetry.ingest.files import ImportReport, Progress
from telemetry.ingest.rows import Outcome
from telemetry.ingest.store import Busy as Busy  # part of what this room does
from telemetry.ingest.store import store
from telemetry.ingest.upkeep import close_days as close_days
from telemetry.ingest.upkeep import digest as digest
from telemetry.ingest.upkeep import drop_old_partitions as drop_old_partitions
from telemetry.ingest.upkeep import refresh_rollup as refresh_rollup
from telemetry.kernels.batch import ReadingBatch
from telemetry.kernels.judge import judge
from telemetry.kernels.quality import Refusal
from telemetry.kernels.readings import Readings, once
from telemetry.kernels.registers import Showings
from telemetry.protocols.file_types import NarrowFile, WideFile

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

MAX_AGE_DAYS = 45  # of a reading that a gateway may still send; older ones come as files


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
    batch: ReadingBatch,
    *,
    at: datetime,
    principal: Principal | None,
    max_age_days: int | None = MAX_AGE_DAYS,
    sites: Sequence[str] | None = None,
    digest_later: bool = False,
) -> IngestAnswer:
    """Store a batch in one transaction: readings, corrections, latest values and rollup.

    A repeat of a stored reading changes nothing. The same device and instant with other values is refused as a conflict
    unless it is marked as a correction; then it becomes a version of its own, known from `at` on.
    `principal=None` is the service's own staff; every other sender writes only to the devices of its own sites.
    `sites`: for each code of the batch the code of the site that the sender speaks for. `digest_later` leaves latest
    values and rollup of new readings to `digest`, which takes many messages at once; queries answer the same before and
    after.
    """
    at_us = round(at.timestamp() * 1e6)
    judgement = judge(batch, resolve.ratings_of(batch.codes, principal, sites), at_us=at_us, max_age_days=max_age_days)
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
    outcome, corrected = store(readings, marked, at_us=at_us, digest_later=digest_later)
    refused += [(int(place), Refusal.CONFLICT) for place in row[outcome == Outcome.DIFFERENT]]
    return IngestAnswer(
        accepted=int((outcome == Outcome.FRESH).sum()),
        corrected=corrected,
        duplicates=int((outcome == Outcome.SAME).sum()) + repeats,
        refused=sorted(refused),
    )


def ingest_registers(
    showings: Showings,
    *,
    at: datetime,
    principal: Principal | None,
    max_age_days: int | None = MAX_AGE_DAYS,
    sites: Sequence[str] | None = None,
    digest_later: bool = False,
) -> IngestAnswer:
    """Store what registers showed and the readings that this completes, in one transaction.

    Accepted counts showings. The first of a device only starts the counting. One that a reset went before is refused
    as `register_reset` for the unknown energy, and counted from all the same.
    """
    at_us = round(at.timestamp() * 1e6)
    ratings = resolve.ratings_of(showings.codes, principal, sites)
    with transaction.atomic():
        taken = registers.take(showings, ratings, at_us=at_us, max_age_days=max_age_days)
        answer = ingest(
            taken.batch,
            at=at,
            principal=principal,
            max_age_days=None,
            sites=sites,
            digest_later=digest_later,
        )
    refused = sorted(taken.refused + answer.refused)
    fresh_rows = taken.fresh - sum(reason == Refusal.REGISTER_RESET for _, reason in taken.refused)
    return IngestAnswer(
        accepted=fresh_rows - len(answer.refused), corrected=0, duplicates=taken.duplicates, refused=refused
    )


def import_file(
    file: WideFile | NarrowFile, *, at: datetime, progress: Progress, dry_run: bool = False
) -> ImportReport:
    """Ingest a file that was read as a whole, one UTC day a transaction, as the service's own staff.

    Safe to repeat and to resume: what is stored already counts as a duplicate. A dry run stores nothing but reports the
    same. Raises UnreadableFile, having stored nothing, if the file names a device that is not enrolled.
    """
    files.refuse_unknown_devices(file)
    report = ImportReport(clock=file.clock)
    for batch in file.batches():
        with transaction.atomic():
            answer = ingest(batch, at=at, principal=None, max_age_days=None)
            transaction.set_rollback(dry_run)
        report.rows += batch.size + len(batch.refused)
        report.accepted += answer.accepted
        report.corrected += answer.corrected
        report.duplicates += answer.duplicates
        report.refusals += answer.refused
        progress(batch.size)
    return report
