"""Readings whose latest values and rollup are brought up later: every question is answered the same before and after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from telemetry import operations, queries
from telemetry.ingest import fleet as remembered
from telemetry.kernels.batch import batch_of
from telemetry.models import Arrival, Latest, Reading, ReadingCorrection, ReadingDay, Rollup15, RollupDay, TouchedBucket
from tests.apps.telemetry.conftest import rows
from tests.factories import make_device
from vpp.jobs.models import Job

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def later(*readings, at: datetime, correction: bool = False) -> operations.IngestAnswer:
    return operations.ingest(rows(*readings, correction=correction), at=at, principal=None, digest_later=True)


def answers(ids: list[int], as_of: datetime | None = None) -> tuple:
    """All that a caller can ask."""
    day = T0.replace(hour=0)
    span = (day, day + timedelta(days=1))
    newest = queries.latest(ids)
    return (
        queries.interval_power_kw(ids, *span, as_of).tobytes(),
        queries.interval_quality(ids, *span).tobytes(),
        newest.ts.tobytes(),
        newest.power_kw.tobytes(),
        newest.available_at.tobytes(),
        queries.interval_checksums(ids, *span, as_of),
        queries.changed_days(day - timedelta(days=30), T0 + timedelta(days=30)),
    )


def test_what_was_accepted_is_seen_before_it_is_digested_and_the_same_after(fleet):
    later(("battery", T0, 4.0), ("load", T0, 2.0), at=T0 + MINUTE)
    later(("battery", T0 + MINUTE, 6.0), ("pv", T0 - timedelta(hours=2), -3.0), at=T0 + 2 * MINUTE)
    assert (Latest.objects.count(), Rollup15.objects.count()) == (0, 0)
    before = answers(fleet.ids), answers(fleet.ids, T0 + MINUTE)
    power_kw = queries.interval_power_kw(fleet.ids, T0, T0 + timedelta(minutes=15))
    assert power_kw[:, 0].tolist()[::2] == [5.0, 2.0]
    assert operations.digest(at=T0 + 2 * MINUTE) == 4
    assert (answers(fleet.ids), answers(fleet.ids, T0 + MINUTE)) == before
    assert (Arrival.objects.count(), Rollup15.objects.count()) == (0, 1)  # the present bucket waits for its end
    assert operations.refresh_rollup(before=T0 + timedelta(minutes=15)) == 2
    assert (answers(fleet.ids), answers(fleet.ids, T0 + MINUTE)) == before
    assert (TouchedBucket.objects.count(), Rollup15.objects.count()) == (0, 3)
    assert operations.digest(at=T0 + 3 * MINUTE) == 0


def test_a_correction_of_an_undigested_reading_holds_before_and_after(fleet):
    later(("battery", T0, 4.0), at=T0 + MINUTE)
    assert later(("battery", T0, 5.0), at=T0 + 2 * MINUTE, correction=True).corrected == 1
    assert queries.latest(fleet.ids[:1]).power_kw[0] == 5.0
    before = answers(fleet.ids)
    operations.digest(at=T0 + timedelta(hours=1))
    operations.refresh_rollup(before=T0 + timedelta(hours=1))
    assert answers(fleet.ids) == before
    assert Latest.objects.get().power_kw == 5.0


def test_a_day_that_is_closed_with_undigested_readings_keeps_them(fleet):
    for minute in range(0, 60, 7):
        later(("battery", T0 + minute * MINUTE, minute / 3), at=T0 + minute * MINUTE)
    before = answers(fleet.ids)
    operations.close_days(before=(T0 + timedelta(days=1)).date(), at=T0 + timedelta(days=1))
    assert (Arrival.objects.count(), Reading.objects.count(), ReadingDay.objects.count()) == (0, 0, 1)
    assert answers(fleet.ids)[:6] == before[:6]


def test_one_job_digests_all_messages_of_a_minute(fleet):
    for second in range(3):
        later(("battery", T0 + timedelta(seconds=second), 1.0), at=T0 + timedelta(seconds=second))
    assert list(Job.objects.values_list("kind", flat=True)) == ["telemetry.digest"]


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_repeated_and_late_messages_end_in_the_rows_of_the_clean_run(fleet, seed):
    """30 % duplicates, 10 % up to 7 days late, shuffled, in messages of random size and either mode, with digests, rollups
    and closed days between them; against the same readings once and in order."""
    rng, at, codes = np.random.default_rng(seed), T0 + timedelta(days=1), ["battery", "pv", "load"]
    count = 1_500
    late = rng.random(count) < 0.1
    minute = np.where(late, rng.integers(-7 * 1440, 0, count), rng.integers(0, 600, count))
    device = rng.integers(0, 3, count)
    _, first = np.unique(np.stack([device, minute]), axis=1, return_index=True)
    device, minute = device[first], minute[first]
    power_kw = np.where(device == 1, -1.0, 1.0) * rng.uniform(0.1, 9.0, device.size)
    time_us = round(T0.timestamp() * 1e6) + minute * 60_000_000

    def send(places: np.ndarray, *, digest_later: bool) -> None:
        batch = batch_of(codes=codes, device=device[places], time_us=time_us[places], power_kw=power_kw[places])
        operations.ingest(batch, at=at, principal=None, digest_later=digest_later)

    def settle() -> None:
        operations.digest(at=at)
        operations.refresh_rollup(before=at)
        operations.close_days(before=at.date(), at=at)

    send(np.lexsort((minute, device)), digest_later=False)
    settle()
    clean = everything()
    forget_all()
    sent = rng.permutation(np.append(np.arange(device.size), rng.choice(device.size, round(0.3 * device.size))))
    for places in np.array_split(sent, 40):
        send(places, digest_later=bool(rng.random() < 0.7))
        chance = rng.random()
        if chance < 0.15:
            operations.digest(at=at)
        elif chance < 0.3:
            operations.refresh_rollup(before=at - timedelta(hours=3))
        elif chance < 0.35:
            operations.close_days(before=at.date(), at=at)
    settle()
    assert everything() == clean


TABLES = (Reading, ReadingCorrection, ReadingDay, Rollup15, RollupDay, TouchedBucket, Latest, Arrival)


def everything() -> dict[str, list[str]]:
    return {table.__name__: sorted(map(str, table.objects.values_list())) for table in TABLES}


def forget_all() -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table._meta.db_table}")


def test_the_memory_of_devices_follows_every_change(fleet):
    refused = [(0, "unknown_device")]
    assert later(("new", T0, 1.0), at=T0).refused == refused
    device = make_device(code="new", max_consumption_kw=1.0)
    assert later(("new", T0, 1.0), at=T0).accepted == 1
    assert later(("new", T0 + MINUTE, 9.0), at=T0 + MINUTE).refused == [(0, "above_rating")]
    device.max_consumption_kw = 10.0
    device.save()
    assert later(("new", T0 + MINUTE, 9.0), at=T0 + MINUTE).accepted == 1
    device.code = "renamed"
    device.save()
    assert later(("new", T0 + 2 * MINUTE, 1.0), at=T0 + 2 * MINUTE).refused == refused
    version = remembered.fleet_now().version
    assert remembered.fleet_now().version == version
