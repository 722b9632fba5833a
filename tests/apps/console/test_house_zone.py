"""Moments that belong to no market are told in the zone of the house."""

from __future__ import annotations

import pytest

from tests.apps.console.makers import page
from vpp.lib import environment


def test_pages_without_a_market_speak_in_the_zone_of_the_house(staff, world, settings):
    settings.HOUSE_ZONE = "America/New_York"
    assert "EDT" in page(staff, "/system/")  # its schedules name zones of their own
    for url in ("/system/audit/", "/fleet/"):
        body = page(staff, url)
        assert "EDT" in body and "UTC" not in body, url


def test_a_zone_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("VPP_TIME_ZONE", "Europe/Atlantis")
    with pytest.raises(environment.BadEnvironment, match="VPP_TIME_ZONE: 'Europe/Atlantis' is no time zone"):
        environment.zone("VPP_TIME_ZONE", "Europe/Berlin")
