"""Readings of open days: COPY into the partitions; if that meets a known key, through a staging table."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import psycopg
from django.db import connection, transaction
from numpy.typing import NDArray

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.copy_format import Field
from telemetry.kernels.readings import Readings, no_readings, places_of, same_values
from telemetry.storage import raw
from telemetry.storage.copying import copy_in, empty_stage, id_array, moment

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


def correct(readings: Readings, marked: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Outcome of readings whose key is stored with other values.

    SAME: a correction with these values is known already. FRESH: marked as a correction, and stored as one.
    DIFFERENT: not marked, so it contradicts what is stored.
    """
    outcome = np.full(readings.size, Outcome.DIFFERENT, dtype=np.int8)
    start_us, end_us = int(readings.time_us.min()), int(readings.time_us.max()) + 1
    versions = _all_corrections(readings, start_us, end_us)
    own = zip(readings.device_id.tolist(), readings.time_us.tolist(), strict=True)
    keys = {key: place for place, key in enumerate(own)}
    last_us = readings.available_us - 1
    for row in range(versions.size):
        place = keys.get((int(versions.device_id[row]), int(versions.time_us[row])))
        if place is None:
            continue
        last_us[place] = max(last_us[place], versions.available_us[row])
        if same_values(versions.take(np.array([row])), readings.take(np.array([place])))[0]:
            outcome[place] = Outcome.SAME
    new = np.flatnonzero((outcome == Outcome.DIFFERENT) & marked)
    if new.size:
        fields = raw.row_fields(readings.take(new)) | {"available_at": Field("timestamptz", last_us[new] + 1)}
        copy_in("telemetry_readingcorrection", fields)
        outcome[new] = Outcome.FRESH
    return outcome


def _all_corrections(readings: Readings, start_us: int, end_us: int) -> Readings:
    if not readings.size:
        return no_readings()
    return raw.rows(
        f"""SELECT {raw.ROW_SELECT.format("c")} FROM telemetry_readingcorrection c
        WHERE ts >= %s AND ts < %s AND device_id = ANY(%s::bigint[])""",  # noqa: S608
        [moment(start_us), moment(end_us), id_array(np.unique(readings.device_id))],
    )
