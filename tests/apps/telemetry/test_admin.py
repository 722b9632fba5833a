"""Support pages open, find a device and change nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telemetry import operations
from tests.apps.telemetry.conftest import send
from vpp.accounts.models import User

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)


@pytest.fixture
def staff(client, db):
    client.force_login(User.objects.create_superuser("support", password="a long password"))  # noqa: S106
    return client


def test_the_readings_of_a_device_are_shown(staff, fleet):
    send(("battery", T0, 15.0), at=T0)
    send(("battery", T0, 4.0), at=T0, correction=True)
    listed = staff.get("/admin/telemetry/metereddevice/", {"q": "battery"})
    assert b"battery" in listed.content
    page = staff.get(f"/admin/telemetry/metereddevice/{fleet.ids[0]}/change/")
    assert page.status_code == 200
    assert b"above rating" in page.content
    assert b"<td>4.0</td>" in page.content


def test_latest_readings_are_listed_and_cannot_be_edited(staff, fleet):
    send(("battery", T0, 4.0), at=T0)
    assert b"battery" in staff.get("/admin/telemetry/latest/").content
    assert staff.get("/admin/telemetry/latest/add/").status_code == 403
    assert staff.post(f"/admin/telemetry/latest/{fleet.ids[0]}/change/", {"power_kw": 1}).status_code == 403


def test_alarms_and_senders_are_listed(staff, fleet):
    send(("battery", T0, 4.0), at=T0)
    operations.heard("gateway one", at=T0, refused=[])
    operations.watch(at=T0 + timedelta(hours=2))
    listed = staff.get("/admin/telemetry/alarm/").content
    assert b"device silent" in listed
    assert b"gateway silent" in listed
    assert b"gateway one" in staff.get("/admin/telemetry/sender/").content
