"""Alarms begin, stay one row while they hold, and end; old partitions go, series come as CSV."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telemetry import operations
from telemetry.ingest import alarms
from telemetry.models import Alarm
from telemetry.storage.days import open_days
from tests.apps.telemetry.conftest import send
from tests.apps.telemetry.test_api import message, post
from vpp.jobs.queries import metrics_text
from vpp.lib import clock

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _nobody_heard_yet():
    alarms._heard.clear()


def open_alarms() -> list[tuple]:
    return sorted((alarm.kind, str(alarm.device or alarm.site or alarm.sender)) for alarm in Alarm.objects.open())


def test_a_silent_device_alarms_until_it_speaks_and_a_site_when_all_of_it_is_silent(fleet):
    send(("battery", T0, 1.0), ("load", T0, 1.0), at=T0)
    assert operations.watch(at=T0 + 3 * QUARTER) == 0
    send(("load", T0 + 4 * QUARTER, 1.0), at=T0 + 4 * QUARTER)
    assert operations.watch(at=T0 + 4 * QUARTER) == 1
    assert operations.watch(at=T0 + 5 * QUARTER) == 1
    assert open_alarms() == [("DEVICE_SILENT", "battery")]
    assert Alarm.objects.get().begin_at == T0
    operations.watch(at=T0 + 9 * QUARTER)
    assert [kind for kind, _ in open_alarms()] == ["DEVICE_SILENT", "DEVICE_SILENT", "SITE_SILENT"]
    send(("battery", T0 + 9 * QUARTER, 1.0), at=T0 + 9 * QUARTER)
    operations.watch(at=T0 + 10 * QUARTER)
    assert open_alarms() == [("DEVICE_SILENT", "load")]
    ended = Alarm.objects.get(device__code="battery")
    assert (ended.begin_at, ended.end_at) == (T0, T0 + 10 * QUARTER)


def test_a_sender_alarms_when_it_is_silent_and_when_its_clock_is_ahead(client, fleet):
    clock.set_simulated(T0)
    post(client, fleet, message(("battery", (T0 + timedelta(minutes=6)).isoformat(), 1.0)))
    operations.watch(at=T0 + QUARTER)
    assert [kind for kind, _ in open_alarms()] == ["CLOCK_SKEW"]
    operations.watch(at=T0 + 5 * QUARTER)
    assert [kind for kind, _ in open_alarms()] == ["GATEWAY_SILENT"]
    clock.set_simulated(T0 + 6 * QUARTER)
    post(client, fleet, message(("battery", T0.isoformat(), 1.0)))
    operations.watch(at=T0 + 6 * QUARTER)
    assert [kind for kind, _ in open_alarms()] == ["DEVICE_SILENT", "SITE_SILENT"]


def test_doubtful_readings_alarm_and_metrics_count_them(fleet):
    send(*(("battery", T0 + place * QUARTER, 11.5 if place < 2 else 5.0) for place in range(10)), at=T0 + 10 * QUARTER)
    operations.watch(at=T0 + 10 * QUARTER)
    assert open_alarms() == [("QUALITY", "battery")]
    assert 'vpp_telemetry_open_alarms{kind="QUALITY"} 1.0' in metrics_text(at=T0)


def test_the_partitions_of_a_packed_day_are_dropped_after_the_retention(fleet):
    send(("battery", T0, 1.0), at=T0)
    send(("battery", T0 + timedelta(days=1), 1.0), at=T0 + timedelta(days=1))
    operations.close_days(before=(T0 + timedelta(days=1)).date(), at=T0 + timedelta(days=2))
    later = T0 + timedelta(days=63)
    assert operations.drop_old_partitions(at=later - timedelta(days=3)) == []
    assert operations.drop_old_partitions(at=later) == [T0.date()]
    assert operations.drop_old_partitions(at=later) == []
    assert open_days(before=later.date()) == [16_996]
    assert send(("battery", T0, 2.0), at=later).refused == [(0, "too_old")], "no partition is made anew for it"


def test_series_come_as_csv(client, fleet):
    clock.set_simulated(T0 + QUARTER)
    post(client, fleet, message(("battery", T0.isoformat(), 4.5)))
    query = {
        "device": ["battery", "load"],
        "start": T0.isoformat(),
        "end": (T0 + 2 * QUARTER).isoformat(),
        "download": "csv",
    }
    answer = client.get("/api/v1/series", query, headers=fleet.headers)
    assert answer["Content-Type"] == "text/csv"
    assert answer.content.decode().splitlines() == [
        "time,battery,load",
        "2016-07-13T10:00:00Z,4.5,",
        "2016-07-13T10:15:00Z,,",
    ]
