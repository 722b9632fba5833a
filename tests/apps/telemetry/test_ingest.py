"""Storing readings: nothing twice, corrections as versions, late data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from telemetry import operations, queries
from telemetry.ingest import touched
from telemetry.models import Latest, Reading, ReadingCorrection, Rollup15, TouchedBucket
from tests.apps.telemetry.conftest import day_of_readings, rows, send, tables
from vpp.jobs.models import Job

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def test_a_reading_is_stored_with_its_rollup_and_as_the_latest(fleet):
    answer = send(("battery", T0, 4.0), at=T0 + QUARTER)
    assert (answer.accepted, answer.duplicates, answer.refused) == (1, 0, [])
    cell = Rollup15.objects.get()
    assert (cell.bucket, cell.count, cell.energy_kwh, cell.min_kw, cell.max_kw) == (T0, 1, 1.0, 4.0, 4.0)
    newest = Latest.objects.get()
    assert (newest.ts, newest.power_kw, newest.available_at) == (T0, 4.0, T0 + QUARTER)


def test_a_repeat_changes_nothing(fleet):
    batch = (("battery", T0, 4.0), ("pv", T0, -3.0), ("load", T0, 2.0))
    send(*batch, at=T0 + QUARTER)
    before = tables()
    answer = send(*batch, at=T0 + 2 * QUARTER)
    assert (answer.accepted, answer.duplicates, answer.refused) == (0, 3, [])
    assert tables() == before


def test_the_same_key_with_other_content_is_refused(fleet):
    send(("battery", T0, 4.0), at=T0 + QUARTER)
    before = tables()
    answer = send(("pv", T0, -1.0), ("battery", T0, 5.0), at=T0 + 2 * QUARTER)
    assert answer.accepted == 1
    assert answer.refused == [(1, "conflict")]
    send(("pv", T0, -1.0), at=T0 + 2 * QUARTER)
    assert [row for row in tables()["Reading"] if row in before["Reading"]] == before["Reading"]


def test_a_correction_is_a_new_row_and_the_past_stays_as_it_was_known(fleet):
    known, corrected = T0 + QUARTER, T0 + timedelta(hours=3)
    send(("battery", T0, 4.0), at=known)
    answer = send(("battery", T0, 6.0), at=corrected, correction=True)
    assert (answer.accepted, answer.corrected) == (1, 1)
    assert Reading.objects.get().power_kw == 4.0
    assert ReadingCorrection.objects.get().power_kw == 6.0
    battery = fleet.ids[0]

    def power_kw(as_of):
        return queries.interval_power_kw([battery], T0, T0 + QUARTER, as_of)[0, 0]

    assert np.isnan(power_kw(known - timedelta(seconds=1)))
    assert power_kw(known) == 4.0
    assert power_kw(corrected - timedelta(seconds=1)) == 4.0
    assert power_kw(corrected) == power_kw(None) == 6.0
    first = queries.interval_checksum(battery, T0, T0 + QUARTER, known)
    assert first != queries.interval_checksum(battery, T0, T0 + QUARTER, corrected)
    assert [key.power_kw for key in queries.reading_keys(battery, T0, T0 + QUARTER, known)] == [4.0]
    assert Latest.objects.get().power_kw == 6.0
    before = tables()
    repeat = send(("battery", T0, 6.0), at=corrected + QUARTER, correction=True)
    assert (repeat.accepted, repeat.duplicates) == (0, 1)
    assert send(("battery", T0, 4.0), at=corrected + QUARTER).duplicates == 1  # the first message once more
    assert tables() == before


def test_an_older_reading_does_not_replace_the_latest(fleet):
    send(("battery", T0, 4.0), at=T0 + QUARTER)
    send(("battery", T0 - QUARTER, 1.0), at=T0 + 2 * QUARTER)
    assert Latest.objects.get().power_kw == 4.0


def emptied(*names: str) -> None:
    """Readings are kept; a test may empty its own database all the same."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(names)}")


def test_a_batch_with_the_same_key_twice_keeps_the_first(fleet):
    answer = send(("battery", T0, 4.0), ("battery", T0, 4.0), ("battery", T0, 5.0), at=T0 + QUARTER)
    assert (answer.accepted, answer.duplicates, answer.refused) == (1, 1, [(2, "repeated_in_batch")])


def test_minutes_of_a_bucket_that_come_apart_make_the_same_rollup_as_together(fleet):
    minutes = [("load", T0 + timedelta(minutes=minute), 1.0 + minute / 7) for minute in range(15)]
    at = T0 + QUARTER
    for reading in np.random.default_rng(5).permutation(np.array(minutes, dtype=object)):
        send(tuple(reading), at=at)
    hour = (T0, T0 + timedelta(hours=1))
    at_once = queries.interval_power_kw(fleet.ids[2:], *hour)
    assert at_once[0, 0] == pytest.approx(2.0)
    assert operations.refresh_rollup(before=T0 + QUARTER) == 1
    assert operations.refresh_rollup(before=T0 + QUARTER) == 0
    assert queries.interval_power_kw(fleet.ids[2:], *hour).tobytes() == at_once.tobytes()
    one_by_one = tables()["Rollup15"]
    cell = Rollup15.objects.get()
    assert cell.count == 15
    assert cell.energy_kwh == pytest.approx(2.0 / 4)
    emptied("telemetry_reading", "telemetry_rollup15")
    send(*minutes, at=at)
    assert tables()["Rollup15"] == one_by_one


def test_a_touched_bucket_is_known_as_it_was(fleet):
    battery, end = fleet.ids[0], T0 + QUARTER
    send(("battery", T0, 1.0), at=T0)
    send(("battery", T0 + timedelta(minutes=5), 3.0), at=end)
    assert TouchedBucket.objects.count() == 1
    for _ in range(2):
        assert queries.interval_power_kw([battery], T0, end).tolist() == [[2.0]]
        assert queries.interval_power_kw([battery], T0, end, T0).tolist() == [[1.0]]
        operations.refresh_rollup(before=end)
    assert Job.objects.get().kind == "telemetry.refresh_rollup"


def test_late_data_says_which_days_it_changed_before_and_after_its_rollup(fleet):
    battery, pv, _ = fleet.ids
    start = datetime(2016, 7, 12, tzinfo=UTC)
    operations.ingest(day_of_readings(["pv"], start, -np.ones((1, 96))), at=T0, principal=None)
    send(("battery", start, 1.0), at=T0)
    later = T0 + QUARTER
    send(("battery", start + timedelta(minutes=3), 2.0), at=later)
    send(("pv", start, -2.0), at=later, correction=True)
    assert queries.changed_days(T0, later) == {(battery, start.date()): later, (pv, start.date()): later}
    assert Job.objects.get().payload == {"before": (start + QUARTER).isoformat()}
    operations.refresh_rollup(before=later)
    assert queries.changed_days(T0, later) == {(battery, start.date()): later, (pv, start.date()): later}
    assert queries.changed_days(later, later + QUARTER) == {}


def test_a_shuffled_run_with_repeats_and_late_data_ends_in_the_same_rows(fleet):
    rng = np.random.default_rng(11)
    codes = ["battery", "pv", "load"]
    readings = [
        (code, T0 + timedelta(minutes=5 * step), float(rng.uniform(0.1, 4)) * (-1 if code == "pv" else 1))
        for step in range(60)
        for code in codes
    ]
    at = T0 + timedelta(hours=6)
    send(*readings, at=at)
    clean = tables()
    emptied("telemetry_reading", "telemetry_rollup15", "telemetry_latest")
    shuffled = [readings[place] for place in rng.permutation(len(readings))]
    shuffled += [readings[place] for place in rng.integers(0, len(readings), 50)]
    for first in range(0, len(shuffled), 17):
        send(*shuffled[first : first + 17], at=at)
    operations.refresh_rollup(before=at)
    assert tables() == clean


@pytest.mark.parametrize(
    ("code", "moment", "power_kw", "reason"),
    [
        ("nobody", T0, 1.0, "unknown_device"),
        ("bat\x00tery", T0, 1.0, "unknown_device"),
        ("battery", T0, float("nan"), "not_a_number"),
        ("battery", T0, float("-inf"), "infinite"),
        ("battery", T0, 20.5, "above_rating"),
        ("pv", T0, -20.5, "above_rating"),
        ("load", T0, -5.0, "above_rating"),
        ("battery", T0 + timedelta(minutes=6), 1.0, "ahead_of_clock"),
        ("battery", T0 - timedelta(days=46), 1.0, "too_old"),
        ("battery", T0 - timedelta(milliseconds=1), 1.0, "unaligned"),
    ],
)
def test_nonsense_is_refused_with_its_reason_and_the_good_row_kept(fleet, code, moment, power_kw, reason):
    answer = send((code, moment, power_kw), ("load", T0, 1.0), at=T0)
    assert answer.refused == [(0, reason)]
    assert answer.accepted == 1
    assert Reading.objects.get().device_id == fleet.ids[2]


def test_a_doubtful_reading_is_kept_and_flagged(fleet):
    send(("battery", T0, 15.0), at=T0)
    assert Reading.objects.get().quality == 1
    assert queries.interval_quality(fleet.ids, T0, T0 + QUARTER).tolist() == [[1], [0], [0]]


def test_a_stored_reading_cannot_be_changed(fleet):
    send(("battery", T0, 4.0), at=T0)
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        Reading.objects.update(power_kw=1.0)
    send(("battery", T0, 5.0), at=T0, correction=True)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ReadingCorrection.objects.all().delete()
    with pytest.raises(IntegrityError, match="readings are kept"), transaction.atomic():
        Reading.objects.all().delete()


def test_latest_answers_in_the_order_asked_for(fleet):
    send(("battery", T0, 4.0), ("load", T0, 1.0), at=T0)
    battery, pv, load = fleet.ids
    found = queries.latest([load, pv, battery])
    assert found.power_kw[[0, 2]].tolist() == [1.0, 4.0]
    assert np.isnan(found.power_kw[1])
    assert np.isnat(found.ts[1])
    assert found.ts[0] == np.datetime64("2016-07-13T10:00")
    assert queries.latest([]).power_kw.size == 0


def test_a_correction_back_to_an_earlier_value_is_a_correction_of_its_own(fleet):
    battery = fleet.ids[0]
    send(("battery", T0, 1.0), at=T0)
    for place, value in enumerate((2.0, 3.0, 2.0, 1.0), start=1):
        at = T0 + place * QUARTER
        assert send(("battery", T0, value), at=at, correction=True).corrected == 1
        assert send(("battery", T0, value), at=at, correction=True).duplicates == 1
        assert send(("battery", T0, 3.0), at=at).duplicates == (1 if place > 1 else 0)  # unmarked: a repeat, if known
    known = [queries.interval_power_kw([battery], T0, T0 + QUARTER, T0 + place * QUARTER) for place in range(5)]
    assert [float(power_kw[0, 0]) for power_kw in known] == [1.0, 2.0, 3.0, 2.0, 1.0]
    assert queries.latest([battery]).power_kw.tolist() == [1.0]


def test_a_correction_of_the_same_moment_is_later_than_what_it_corrects(fleet):
    send(("battery", T0, 1.0), at=T0)
    send(("battery", T0, 2.0), at=T0, correction=True)
    assert ReadingCorrection.objects.get().available_at == T0 + timedelta(microseconds=1)
    assert queries.latest(fleet.ids[:1]).power_kw.tolist() == [2.0]


def test_a_flood_of_touched_buckets_is_rolled_up_in_parts(fleet, monkeypatch):
    monkeypatch.setattr(touched, "CELLS_AT_ONCE", 1)
    for minute in (0, 1, 15, 16):
        at = T0 + timedelta(minutes=minute)
        send(("battery", at, 2.0 + minute % 15), ("pv", at, -1.0), ("load", at, 1.0), at=at)
    assert operations.refresh_rollup(before=T0 + 2 * QUARTER) == 6
    assert not TouchedBucket.objects.exists()
    rows = Rollup15.objects.filter(device=fleet.ids[0]).order_by("bucket").values_list("count", "min_kw", "max_kw")
    assert list(rows) == [(2, 2.0, 3.0)] * 2
    assert Rollup15.objects.count() == 6


def test_it_works_while_queries_are_logged(fleet, settings):
    settings.DEBUG = True
    connection.force_debug_cursor = True
    try:
        send(("battery", T0, 4.0), at=T0)
        assert queries.interval_power_kw(fleet.ids[:1], T0, T0 + QUARTER).tolist() == [[4.0]]
    finally:
        connection.force_debug_cursor = False


def test_partitions_are_made_once_a_day(fleet):
    send(("battery", T0, 4.0), at=T0)
    send(("pv", T0, -4.0), at=T0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'telemetry_reading'::regclass")
        assert cursor.fetchone() == (1,)


def test_an_empty_batch_is_an_answer(fleet):
    answer = operations.ingest(rows(), at=T0, principal=None)
    assert (answer.accepted, answer.duplicates, answer.refused) == (0, 0, [])
