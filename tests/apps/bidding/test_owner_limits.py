"""What owners agree to beyond hours and starts: rest between calls, and events of a season."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from bidding.operations.gather import Gathered, gather
from bidding.wholesale.queries import open_product
from tests.apps.bidding.world import World
from tests.factories import make_terms
from vpp.dispatch.models import DeviceUse
from vpp.enrollment.models import Device


def gathered(world: World) -> Gathered:
    offer = open_product(world.reserve, world.day.date, world.at)
    assert offer is not None
    return gather(
        portfolio=world.portfolio, day=world.day, products=[offer], asks={}, ask_lot_kw=1.0, ask_min_kw=1.0,
        known_at=world.at,
    )  # fmt: skip


def batteries(world: World) -> list[Device]:
    return list(Device.objects.filter(kind="BATTERY", enrollments__portfolio=world.portfolio).order_by("pk"))


def used(device: Device, day: date, events: int) -> None:
    at = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    DeviceUse.objects.create(device=device, delivery_date=day, hours=1.0, events=events, last_interval=at)


def test_devices_that_want_rest_stand_apart_and_hold_no_reserve(world: World):
    resting = batteries(world)[:10]
    for device in resting:
        make_terms(device, rest_minutes=45)
    found = gathered(world)
    rest = {group.name: group.rest_hours for group in found.problem.groups if "BATTERY" in group.name}
    assert sorted(rest.values()) == [0.0, 0.75]
    (apart,) = (group for group in found.problem.groups if group.rest_hours)
    assert set(apart.device_ids) == {device.pk for device in resting}
    (reserve,) = found.problem.reserves
    assert reserve.barred == {apart.name}


def test_what_is_left_of_a_season_bounds_the_starts_of_the_day(world: World):
    fresh, some, none = batteries(world)[:3]
    for device in (fresh, some, none):
        make_terms(device, max_events_per_season=9, max_events_per_day=None if device == fresh else 5)
    used(fresh, date(2016, 3, 31), 9)  # in the season before
    used(some, date(2016, 5, 1), 6)
    used(none, date(2016, 4, 1), 4)
    used(none, date(2016, 7, 13), 5)
    starts = {pk: group.max_starts for group in gathered(world).problem.groups for pk in group.device_ids}
    assert (starts[fresh.pk], starts[some.pk], starts[none.pk]) == (8.0, 2.0, 0.0)
    assert np.isinf(starts[batteries(world)[3].pk])
