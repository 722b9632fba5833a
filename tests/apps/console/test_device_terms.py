"""An owner's wishes, and what staff set for a device, on one page of the console."""

from __future__ import annotations

import re
from datetime import time

import pytest

from tests.apps.console.makers import client_for, make_user, page
from tests.apps.console.test_fleet_pages import client_in
from vpp.accounts.models import AuditEvent
from vpp.enrollment.models import Device, OwnerTerms
from vpp.enrollment.queries import device_table
from vpp.lib import clock

pytestmark = pytest.mark.django_db

WISHES = {
    "departure_local_time": "07:15", "departure_energy_kwh": "3.5", "comfort_min_c": "19", "comfort_max_c": "22.5",
    "reserve_floor_pct": "20", "reason": "new timetable",
}  # fmt: skip
LIMITS = WISHES | {
    "max_events_per_day": "2", "max_events_per_season": "40", "max_hours_per_day": "", "notice_minutes": "30",
    "rest_minutes": "15", "min_on_minutes": "45", "min_off_minutes": "20",
}  # fmt: skip


def now_of(device: Device) -> OwnerTerms:
    return OwnerTerms.objects.filter(device=device).latest("period__startswith")


def test_an_owner_sets_departure_and_comfort_and_finds_them_on_the_page_again(world):
    device = world.devices[1]
    client = client_for(make_user("owner", None, participant=device.site.owner))
    url = f"/fleet/device/{device.code}/terms/"
    assert "Change terms…" in page(client, f"/fleet/device/{device.code}/")
    body = page(client, url)
    assert "Ready at" in body and "Events a season" not in body, "what is agreed is not the owner's alone to change"
    assert client.post(url, WISHES).status_code == 302
    terms = now_of(device)
    assert (terms.departure_local_time, terms.departure_energy_kwh) == (time(7, 15), 3.5)
    assert (terms.comfort_min_c, terms.comfort_max_c, terms.reserve_floor_pu) == (19.0, 22.5, 0.2)
    assert 'value="07:15"' in page(client, url)
    shown = page(client, f"/fleet/device/{device.code}/")
    assert "19.0 – 22.5 °C" in shown and "07:15" in shown
    assert AuditEvent.objects.filter(action="device.terms_changed", reason="new timetable").exists()


def test_an_owner_cannot_set_what_was_agreed_nor_touch_the_devices_of_others(world):
    device = world.devices[1]
    client = client_for(make_user("owner", None, participant=device.site.owner))
    client.post(f"/fleet/device/{device.code}/terms/", LIMITS)
    assert now_of(device).max_events_per_season is None
    assert Device.objects.get(pk=device.pk).min_on_minutes == 0
    page(client, f"/fleet/device/{world.devices[2].code}/terms/", 404)


def test_an_operator_sets_events_of_the_season_and_minimum_times_and_dispatch_reads_them(world):
    device = world.devices[0]
    client = client_in("OPERATOR")
    url = f"/fleet/device/{device.code}/terms/"
    assert client.post(url, LIMITS).status_code == 302
    table = device_table(at=clock.now(), device_ids=[device.pk])
    assert (table.max_events_per_season[0], table.max_events_per_day[0]) == (40.0, 2.0)
    assert (table.min_on_minutes[0], table.min_off_minutes[0]) == (45.0, 20.0)
    body = page(client, url)
    assert 'name="max_events_per_season" value="40"' in body and 'name="min_on_minutes" value="45"' in body
    told = AuditEvent.objects.get(action="device.limits_changed")
    assert told.before == {"min_on_minutes": 0, "min_off_minutes": 0}
    assert client.post(url, LIMITS).status_code == 302
    assert AuditEvent.objects.filter(action="device.limits_changed").count() == 1, "a repeat changes nothing"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"comfort_min_c": "25"}, "The band ends below where it begins."),
        ({"departure_energy_kwh": "99999"}, "do not fit"),
        ({"reserve_floor_pct": "120"}, "less than or equal to 99"),
    ],
)
def test_what_contradicts_itself_is_refused_and_nothing_changes(world, change, told):
    device = next(one for one in world.devices if one.energy_capacity_kwh)
    client = client_for(make_user("owner", None, participant=device.site.owner))
    before = OwnerTerms.objects.filter(device=device).count()
    answer = client.post(f"/fleet/device/{device.code}/terms/", WISHES | change)
    assert answer.status_code in (200, 400) and told in answer.content.decode()
    assert OwnerTerms.objects.filter(device=device).count() == before


def test_a_page_opened_before_somebody_elses_change_takes_nothing_of_it_back(world):
    device = next(one for one in world.devices if one.energy_capacity_kwh)
    owner, url = (
        client_for(make_user("owner", None, participant=device.site.owner)),
        f"/fleet/device/{device.code}/terms/",
    )
    shown = dict(re.findall(r'name="([^"]+)"(?: value="([^"]*)")?', page(owner, url)))
    assert shown.keys() >= {"reserve_floor_pct", "initial-reserve_floor_pct", "initial-comfort_min_c"}
    client_in("OPERATOR").post(url, LIMITS | {"reserve_floor_pct": "55"})
    assert owner.post(url, shown | {"comfort_max_c": "25,5"}).status_code == 302
    terms = now_of(device)
    assert (terms.reserve_floor_pu, terms.comfort_max_c, terms.comfort_min_c) == (0.55, 25.5, 19.0)
    assert owner.post(url, shown | {"initial-comfort_min_c": "19", "comfort_min_c": ""}).status_code == 302
    assert now_of(device).comfort_min_c is None, "what is emptied is no wish any more"


def test_a_viewer_changes_nothing(world):
    client = client_in("VIEWER")
    assert "Change terms…" not in page(client, f"/fleet/device/{world.devices[0].code}/")
    assert client.post(f"/fleet/device/{world.devices[0].code}/terms/", LIMITS).status_code == 403
