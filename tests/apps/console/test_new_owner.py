"""Who takes a site over sees nothing of what was measured, done and paid while it was another's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.apps.console.makers import World, client_for, make_user, page
from tests.factories import make_participant
from vpp.accounts.models import Participant, User
from vpp.accounts.operations import create_client
from vpp.enrollment.handover import hand_over
from vpp.settlement.models import DevicePerformance

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen(world: World):
    """What the owner of a settled device sees of the delivery day: four answers."""
    device = DevicePerformance.objects.filter(run=world.run, credit__gt=0).latest("credit").device
    day = world.day

    def ask(owner: Participant) -> tuple[list[float | None], int, int, str]:
        _, token = create_client(participant=owner, name="app", scopes=("read", "devices:write"), at=world.after)
        user = make_user(owner.code, None, participant=owner)
        User.objects.filter(pk=user.pk).update(role=User.Role.OWNER)
        headers, span = {"Authorization": f"Bearer {token}"}, {"start": day.start.isoformat()}
        span["end"] = (day.end + timedelta(hours=1)).isoformat()
        api, there = Client(), f"/api/v1/devices/{device.code}"
        series = api.get("/api/v1/series", {"device": device.code, **span}, headers=headers).json()["series"][0]
        days = {"start": day.date.isoformat(), "end": day.date.isoformat()}
        earned = api.get(f"{there}/earnings", days, headers=headers).json()
        moved = api.get(f"{there}/dispatches", {"date": day.date.isoformat()}, headers=headers)
        body = page(client_for(user), f"/fleet/device/{device.code}/?date={day.date}")
        return series["power_kw"], len(earned["rows"]), moved.status_code, body

    return device, ask


def test_the_days_of_the_former_owner_are_not_the_new_ones_to_see(world: World, seen):
    device, ask = seen
    power_kw, rows, status, body = ask(device.site.owner)
    assert any(power_kw) and rows and status == 200 and "device-chart" in body
    buyer = make_participant(code="buyer")
    hand_over(device.site, buyer, since=world.day.end, at=world.after, actor="test")
    power_kw, rows, status, body = ask(buyer)
    assert power_kw[:96] == [None] * 96 and (rows, status) == (0, 404)
    assert "device-chart" not in body


def test_from_the_day_of_the_change_on_all_is_seen(world: World, seen):
    device, ask = seen
    buyer = make_participant(code="buyer")
    hand_over(device.site, buyer, since=world.day.start, at=world.after, actor="test")
    power_kw, rows, status, body = ask(buyer)
    assert any(power_kw) and rows and status == 200 and "device-chart" in body
