"""Moments that belong to no market are told in the zone of the house."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.apps.console.makers import make_user, page
from vpp.accounts.operations import audit
from vpp.console.queries.system import audit_trail
from vpp.lib import environment


def test_pages_without_a_market_speak_in_the_zone_of_the_house(staff, world, settings):
    settings.HOUSE_ZONE = "America/New_York"
    assert "EDT" in page(staff, "/system/")  # its schedules name zones of their own
    for url in ("/system/audit/", "/fleet/"):
        body = page(staff, url)
        assert "EDT" in body and "UTC" not in body, url


def test_the_admin_tells_moments_in_the_zone_of_the_house(staff, settings):
    settings.HOUSE_ZONE = "America/New_York"
    at = datetime(2016, 3, 14, 2, 30, tzinfo=UTC)
    audit(at=at, actor="test", action="told.when", subject=make_user("told", None))
    body = page(staff, "/admin/accounts/auditevent/")
    assert "March 13, 2016, 10:30 p.m." in body


def test_the_trail_of_a_long_day_has_its_last_hour(db, settings):
    settings.HOUSE_ZONE = "Europe/Berlin"
    late = make_user("late", None)
    for hour in (22, 23):  # 23:00 and 24:00 of the 25 hours of 30 October, less half an hour
        audit(at=datetime(2016, 10, 30, hour, 30, tzinfo=UTC), actor="test", action=f"hour.{hour}", subject=late)
    trail = audit_trail(search="", action="", day=date(2016, 10, 30), before=None)
    assert [event.action for event in trail.events] == ["hour.22"]


def test_a_zone_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("VPP_TIME_ZONE", "Europe/Atlantis")
    with pytest.raises(environment.BadEnvironment, match="VPP_TIME_ZONE: 'Europe/Atlantis' is no time zone"):
        environment.zone("VPP_TIME_ZONE", "Europe/Berlin")
