"""Events that an owner allows in a season: April to September, and October to March."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_client, make_terms
from vpp.dispatch import operations
from vpp.dispatch.device_use import season_start
from vpp.dispatch.models import DeviceUse, Shortfall
from vpp.enrollment.models import Device

pytestmark = pytest.mark.django_db


def used(device: Device, day: date, events: int) -> None:
    at = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    DeviceUse.objects.create(device=device, delivery_date=day, hours=1.0, events=events, last_interval=at)


def test_a_device_whose_events_of_the_season_are_used_up_is_left_out_of_plan_and_cycle() -> None:
    played = PlayedDay(2, up_kw=16.0)
    make_terms(played.devices[0], max_events_per_season=3)
    used(played.devices[0], date(2016, 4, 1), 2)
    used(played.devices[0], date(2016, 7, 13), 1)
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(0))
    assert plan.devices.get(device=played.devices[0]).target_kw[40] == 0.0
    cycle = played.cycle(40)
    assert set(played.targets(40)) == {played.devices[1]}
    assert Shortfall.objects.get(cycle=cycle).limit == "OWNER_EVENTS"


def test_what_was_used_in_the_season_before_does_not_count_and_one_event_may_last() -> None:
    played = PlayedDay(2, up_kw=16.0)
    gateway, _ = make_client()
    make_terms(played.devices[0], max_events_per_season=3)
    used(played.devices[0], date(2016, 3, 31), 50)
    used(played.devices[0], date(2016, 7, 13), 2)
    for index in (40, 41, 42):
        played.cycle(index)
        assert played.devices[0] in played.targets(index), "the third event goes on"
        played.fetch_and_accept(index, gateway)
        played.report(index, played.targets(index), soc_kwh=15.0)
    operations.mark_followed(played.portfolio.pk, played.start(42), played.start(43))
    assert DeviceUse.objects.get(device=played.devices[0], delivery_date=played.day.date).events == 1


@pytest.mark.parametrize(
    ("day", "start"),
    [
        (date(2016, 4, 1), date(2016, 4, 1)),
        (date(2016, 9, 30), date(2016, 4, 1)),
        (date(2016, 10, 1), date(2016, 10, 1)),
        (date(2017, 3, 31), date(2016, 10, 1)),
    ],
)
def test_seasons_change_in_april_and_october(day: date, start: date) -> None:
    assert season_start(day) == start
    assert season_start(start - timedelta(days=1)) < start
