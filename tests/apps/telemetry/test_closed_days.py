"""Closed days are packed: they answer like rows, and what comes late lands right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from telemetry import operations, queries
from telemetry.ingest import packed
from telemetry.models import Latest, Reading, ReadingDay, Rollup15, RollupDay
from tests.apps.telemetry.conftest import day_of_readings, send, tables

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def test_a_whole_closed_day_is_packed_and_reads_like_rows(fleet):
    start = datetime(2016, 7, 12, tzinfo=UTC)
    power_kw = np.random.default_rng(1).uniform(-5, 5, (1, 96))
    batch = day_of_readings(["battery"], start, power_kw)
    answer = operations.ingest(batch, at=T0, principal=None)
    assert answer.accepted == 96
    assert (ReadingDay.objects.count(), RollupDay.objects.count(), Reading.objects.count()) == (1, 1, 0)
    assert (queries.interval_power_kw(fleet.ids[:1], start, start + timedelta(days=1)) == power_kw).all()
    assert np.isnan(queries.interval_power_kw(fleet.ids[:1], start, start + QUARTER, T0 - QUARTER)).all()
    assert len(queries.reading_keys(fleet.ids[0], start, start + timedelta(days=1))) == 96
    assert Latest.objects.get().power_kw == power_kw[0, -1]
    before = tables()
    assert operations.ingest(batch, at=T0 + QUARTER, principal=None).duplicates == 96
    assert tables() == before


def test_late_readings_and_corrections_of_a_packed_day_land_right(fleet):
    start = datetime(2016, 7, 12, tzinfo=UTC)
    battery = fleet.ids[0]
    operations.ingest(day_of_readings(["battery"], start, np.ones((1, 96))), at=T0, principal=None)
    answer = send(("battery", start, 1.0), ("battery", start + QUARTER, 3.0), at=T0 + QUARTER)
    assert (answer.duplicates, answer.refused) == (1, [(1, "conflict")])
    send(("battery", start, 5.0), at=T0 + QUARTER, correction=True)
    send(("battery", start + timedelta(minutes=20), 2.0), at=T0 + 2 * QUARTER)
    end = start + 3 * QUARTER

    def power_kw(as_of=None):
        return queries.interval_power_kw([battery], start, end, as_of)[0].tolist()

    assert power_kw() == [5.0, 1.5, 1.0]
    assert power_kw(T0) == [1.0, 1.0, 1.0]
    assert power_kw(T0 + QUARTER) == [5.0, 1.0, 1.0]
    closed = operations.close_days(before=T0.date(), at=T0)
    assert closed == {start.date(): 97}
    assert (Reading.objects.count(), Rollup15.objects.count(), ReadingDay.objects.get().count) == (0, 0, 97)
    assert (power_kw(), power_kw(T0), power_kw(T0 + QUARTER)) == ([5.0, 1.5, 1.0], [1.0] * 3, [5.0, 1.0, 1.0])
    assert operations.close_days(before=T0.date(), at=T0) == {}


def test_readings_of_a_closed_day_are_not_deleted(fleet):
    start = datetime(2016, 7, 12, tzinfo=UTC)
    operations.ingest(day_of_readings(["battery"], start, np.ones((1, 96))), at=T0, principal=None)
    with pytest.raises(IntegrityError, match="are kept"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM telemetry_readingday; SET CONSTRAINTS ALL IMMEDIATE")
    assert ReadingDay.objects.get().count == 96


def test_closing_a_day_changes_no_answer(fleet):
    start = datetime(2016, 7, 12, tzinfo=UTC)
    rng = np.random.default_rng(3)
    for minute in range(0, 24 * 60, 7):
        moment = start + timedelta(minutes=minute)
        send(("battery", moment, rng.uniform(-9, 9)), ("load", moment, rng.uniform(0, 9)), at=moment)
    wanted = fleet.ids
    span = (start, start + timedelta(days=1))

    def answers():
        midday = start + timedelta(hours=12)
        return (
            queries.interval_power_kw(wanted, *span).tobytes(),
            queries.interval_power_kw(wanted, *span, midday).tobytes(),
            queries.interval_checksums(wanted, *span, midday),
            queries.interval_checksums(wanted, *span),
        )

    before = answers()
    operations.close_days(before=T0.date(), at=T0)
    assert Reading.objects.count() == 0
    assert answers() == before


def test_a_day_too_large_for_one_piece_is_packed_in_several(fleet, monkeypatch):
    start = datetime(2016, 7, 12, tzinfo=UTC)
    for step in range(23):
        moment = start + timedelta(hours=step)
        send(("battery", moment, 1.0 + step / 10), ("pv", moment, -1.0), ("load", moment, 2.0), at=moment)
    span = (start, start + timedelta(days=1))
    before = queries.interval_checksums(fleet.ids, *span)
    monkeypatch.setattr(packed, "READINGS_AT_ONCE", 20)
    assert operations.close_days(before=T0.date(), at=T0) == {start.date(): 69}
    assert queries.interval_checksums(fleet.ids, *span) == before


@pytest.mark.parametrize("date", [(2016, 3, 27), (2016, 10, 30)])
def test_both_clock_change_days_read_back_whole(fleet, date):
    from datetime import date as calendar_date

    from vpp.lib.periods import DeliveryDay

    day = DeliveryDay(calendar_date(*date), "Europe/Berlin")
    readings = [("load", start, 1.0 + place / 100) for place, start in enumerate(day.starts())]
    send(*readings, at=day.end)
    power_kw = queries.interval_power_kw(fleet.ids[2:], day.start, day.end)
    assert power_kw.shape == (1, day.n_intervals)
    assert power_kw[0].tolist() == pytest.approx([1.0 + place / 100 for place in range(day.n_intervals)])
    hourly = queries.interval_power_kw(fleet.ids[2:], day.start, day.end, step_minutes=60)
    assert hourly.shape == (1, day.n_intervals // 4)
