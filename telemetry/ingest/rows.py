"""Readings of open days: COPY into the partitions; if that meets a known key, through a staging table."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import psycopg
from django.db import connection, transaction
from numpy.typing import NDArray

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.copy_format import Field
from telemetry.kernels.readings import Readings, places_of, same_values
from telemetry.storage import raw
from telemetry.storage.copying import copy_in, device_condition, empty_stage, moment

STAGE = "telemetry_stage"
STAGE_COLUMNS = """place integer, ts timestamptz, device_id bigint, available_at timestamptz, power_kw double precision,
    energy_kwh double precision, soc_kwh double precision, voltage_pu double precision, quality smallint"""
COLUMNS = "ts, device_id, available_at, power_kw, energy_kwh, soc_kwh, voltage_pu, quality"


class Outcome(IntEnum):
    FRESH = 0
    SAME = 1  # the key is stored with the same values
    DIFFERENT = 2  # the key is stored with other values


def insert(readings: Readings, packed_pairs: IntColumn, *, repeated: bool) -> NDArray[np.int8]:
    """(n,) Outcome of each reading; the fresh ones are stored. `packed_pairs`: keys of packed days.

    `repeated` tells only what to try first: to compare with what is stored, or to copy in.
    """
    outcome = np.full(readings.size, Outcome.FRESH, dtype=np.int8)
    packed = readings.in_pairs(packed_pairs)
    if packed.any():
        outcome[packed] = _against_packed(readings.take(packed))
    open_rows = np.flatnonzero(outcome == Outcome.FRESH)
    if open_rows.size:
        outcome[open_rows] = _insert_rows(readings.take(open_rows), repeated=repeated)
    return outcome


def _against_packed(readings: Readings) -> NDArray[np.int8]:
    """Outcome of readings of packed days; those at an instant that the packed day has not are FRESH."""
    packed = raw.packed_readings(readings.days(), readings.device_id[readings.device_runs()]).by_device()
    places = places_of(readings.device_id, readings.time_us, packed)
    known = np.flatnonzero(places >= 0)
    outcome = np.full(readings.size, Outcome.FRESH, dtype=np.int8)
    same = same_values(readings.take(known), packed.take(places[known])) if known.size else np.empty(0, dtype=bool)
    outcome[known] = np.where(same, Outcome.SAME, Outcome.DIFFERENT)
    return outcome


def _insert_rows(readings: Readings, *, repeated: bool) -> NDArray[np.int8]:
    """The partitions are there."""
    if repeated:
        return _insert_beside_known(readings)
    try:
        with transaction.atomic():
            copy_in("telemetry_reading", raw.row_fields(readings))
    except psycopg.errors.UniqueViolation:
        return _insert_beside_known(readings)
    return np.full(readings.size, Outcome.FRESH, dtype=np.int8)


def _insert_beside_known(readings: Readings) -> NDArray[np.int8]:
    """Some keys are stored already: those are compared, the others inserted, whoever else writes them meanwhile."""
    outcome = _compared(readings)
    new = np.flatnonzero(outcome == Outcome.FRESH)
    if new.size:
        stored = _insert_new(readings.take(new))
        overtaken = new[~stored]  # another writer was first
        if overtaken.size:
            outcome[overtaken] = _compared(readings.take(overtaken))
    return outcome


def _compared(readings: Readings) -> NDArray[np.int8]:
    """(n,) SAME or DIFFERENT where the key is stored, else FRESH."""
    known = raw.rows_at(readings.device_id, readings.time_us).by_device()
    places = places_of(readings.device_id, readings.time_us, known)
    there = np.flatnonzero(places >= 0)
    outcome = np.full(readings.size, Outcome.FRESH, dtype=np.int8)
    if there.size:
        same = same_values(readings.take(there), known.take(places[there]))
        outcome[there] = np.where(same, Outcome.SAME, Outcome.DIFFERENT)
    return outcome


def _insert_new(readings: Readings) -> NDArray[np.bool_]:
    """(n,) True where the row was stored; False where its key was taken by then."""
    empty_stage(STAGE, STAGE_COLUMNS)
    place = Field("int4", np.arange(readings.size, dtype=np.int64))
    copy_in(STAGE, {"place": place} | raw.row_fields(readings))
    stored = np.zeros(readings.size, dtype=bool)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH fresh AS (
                INSERT INTO telemetry_reading ({COLUMNS}) SELECT {COLUMNS} FROM {STAGE} ORDER BY ts, device_id
                ON CONFLICT (ts, device_id) DO NOTHING RETURNING ts, device_id
            ) SELECT s.place FROM {STAGE} s JOIN fresh USING (ts, device_id)"""  # noqa: S608
        )
        stored[[place for (place,) in cursor]] = True
    return stored


def correct(
    readings: Readings, marked: NDArray[np.bool_], as_first: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], IntColumn]:
    """Outcome of readings whose key is stored, and from when on each is known: later than any version before it.

    as_first : (n,) where the values are those that came first.

    SAME: the values are known already; of a reading marked as a correction, those in force. So a correction back to an
    earlier value is a correction of its own. FRESH: marked, and stored as a correction. DIFFERENT: not marked, and
    never sent before: it contradicts what is stored.
    """
    outcome = np.where(as_first, np.int8(Outcome.SAME), np.int8(Outcome.DIFFERENT))
    versions = _all_corrections(readings).by_device()
    versions = versions.take(np.lexsort((versions.available_us, versions.time_us, versions.device_id)))
    last = np.append((np.diff(versions.device_id) != 0) | (np.diff(versions.time_us) != 0), True)[: versions.size]
    place = places_of(versions.device_id, versions.time_us, readings)
    mine = np.flatnonzero(place >= 0)
    versions, last, place = versions.take(mine), last[mine], place[mine]
    same = same_values(versions, readings.take(place)) if mine.size else np.empty(0, dtype=bool)
    outcome[place[same & ~marked[place]]] = Outcome.SAME
    in_force = place[last]
    outcome[in_force[marked[in_force]]] = Outcome.DIFFERENT
    outcome[in_force[same[last]]] = Outcome.SAME
    available_us = readings.available_us.copy()
    new = np.flatnonzero((outcome == Outcome.DIFFERENT) & marked)
    if new.size:
        known_us = _first_known_us(readings.take(new))
        latest_us = np.full(readings.size, np.iinfo(np.int64).min)
        np.maximum.at(latest_us, place, versions.available_us)
        available_us[new] = np.maximum(available_us[new], np.maximum(known_us, latest_us[new]) + 1)
        fields = raw.row_fields(readings.take(new)) | {"available_at": Field("timestamptz", available_us[new])}
        copy_in("telemetry_readingcorrection", fields)
        outcome[new] = Outcome.FRESH
    return outcome, available_us


def _first_known_us(readings: Readings) -> IntColumn:
    """(n,) when the first version of each reading became known, so that a correction is later than what it corrects."""
    start_us, end_us = int(readings.time_us.min()), int(readings.time_us.max()) + 1
    first = raw.first_versions(np.unique(readings.device_id), start_us, end_us)
    return first.available_us[places_of(readings.device_id, readings.time_us, first)]


def _all_corrections(readings: Readings) -> Readings:
    condition, parameters, _ = device_condition(readings.device_id)
    return raw.rows(
        f"""SELECT {raw.ROW_SELECT.format("c")} FROM telemetry_readingcorrection c
        WHERE ts >= %s AND ts <= %s AND {condition}""",  # noqa: S608
        [moment(int(readings.time_us.min())), moment(int(readings.time_us.max())), *parameters],
    )
