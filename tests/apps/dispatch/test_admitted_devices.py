"""A product is served only by devices that its market's rules admit."""

from __future__ import annotations

from typing import Any

import pytest

from bidding.models import Product
from tests.apps.dispatch.day import PlayedDay
from tests.apps.settlement.makers import make_award
from tests.factories import make_device
from vpp.dispatch import operations
from vpp.dispatch.models import Alarm, Shortfall
from vpp.dispatch.operations.emergencies import order_emergency
from vpp.enrollment.models import Device, Enrollment

pytestmark = pytest.mark.django_db


def small_battery(played: PlayedDay, **fields: Any) -> Device:
    """One more device of the portfolio, cheaper than the others."""
    device = make_device(cost_per_kwh="0.0", **fields)
    like = Enrollment.objects.get(device=played.devices[0])
    Enrollment.objects.create(device=device, portfolio=played.portfolio, period=like.period)
    played.devices.append(device)
    return device


def rule(award: Any, **fields: Any) -> Product:
    Product.objects.filter(pk=award.bid.product_id).update(**fields)
    return Product.objects.get(pk=award.bid.product_id)


def test_a_device_too_small_for_the_product_is_not_dispatched_for_it_though_it_is_cheapest() -> None:
    played = PlayedDay(2, up_kw=12.0)
    small = small_battery(played, max_consumption_kw=2.0, max_production_kw=2.0)
    rule(played.award, min_device_kw=5.0)
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(0))
    assert plan.devices.get(device=small).target_kw[40] == 0.0
    played.cycle(40)
    assert set(played.targets(40)) == set(played.devices[:2])
    assert sum(played.targets(40).values()) == pytest.approx(-12.0)


def test_what_the_admitted_cannot_give_is_a_shortfall_that_names_the_product() -> None:
    played = PlayedDay(2, up_kw=24.0)
    small_battery(played, max_consumption_kw=2.0, max_production_kw=2.0)
    small_battery(played, max_consumption_kw=2.0, max_production_kw=2.0)
    product = rule(played.award, min_device_kw=5.0)
    cycle = played.cycle(40)
    assert (cycle.placed_up_kw, cycle.residual_up_kw) == (pytest.approx(20.0), pytest.approx(4.0))
    row = Shortfall.objects.get(cycle=cycle)
    assert (row.limit, row.shortfall_kw) == ("NOT_ADMITTED", pytest.approx(4.0))
    assert row.reason.startswith(f"{product.code}: only devices that its rules exclude")
    assert Alarm.objects.get(kind="EXPECTED_SHORTFALL").short_kw == pytest.approx(4.0)


def test_another_award_of_the_hour_takes_the_devices_that_the_first_may_not() -> None:
    played = PlayedDay(2, up_kw=20.0)
    small = small_battery(played, max_consumption_kw=2.0, max_production_kw=2.0)
    rule(played.award, min_device_kw=5.0)
    make_award(played.portfolio, day=played.day.date, up=dict.fromkeys(range(40, 44), 2.0))
    cycle = played.cycle(40)
    assert cycle.residual_up_kw == 0.0
    assert played.targets(40)[small] == pytest.approx(-2.0)


def test_kinds_count_as_well_and_an_emergency_may_use_every_device() -> None:
    played = PlayedDay(1, up_kw=4.0)
    genset = small_battery(played, kind="GENSET", max_consumption_kw=0.0, controllable=True)
    rule(played.award, eligible_kinds=["BATTERY"])
    played.cycle(40)
    assert set(played.targets(40)) == {played.devices[0]}
    order_emergency(
        played.portfolio, 18.0, start=played.start(40), end=played.start(41), at=played.start(40), ordered_by="dso"
    )
    assert played.targets(40)[genset] <= -8.0
    assert sum(played.targets(40).values()) == pytest.approx(-18.0)
