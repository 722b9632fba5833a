"""Safety and the owner first, then an emergency of the grid, then commits, then markets: as a dated table says."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_terms
from vpp.dispatch import operations
from vpp.dispatch.models import Alarm, ControlCycle, DispatchPriority, GridEmergency
from vpp.dispatch.operations.emergencies import EmergencyInForce, end_emergency, order_emergency
from vpp.dispatch.priorities import goes_short_last
from vpp.lib import clock

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def ordered(played: PlayedDay, up_kw: float, index: int = 40) -> GridEmergency:
    start, end = played.start(index), played.start(index + 2)
    return order_emergency(played.portfolio, up_kw, start=start, end=end, at=start, ordered_by="dso")


def test_an_emergency_of_the_grid_is_met_in_place_of_an_award_and_somebody_is_told() -> None:
    played = PlayedDay(4, up_kw=12.0)
    played.cycle(40)
    assert sum(played.targets(40).values()) == pytest.approx(-12.0)
    ordered(played, -8.0)
    assert sum(played.targets(40).values()) == pytest.approx(8.0), "it takes instead of giving, at once"
    cycle = ControlCycle.objects.get(revision=1)
    assert (cycle.committed_up_kw, cycle.residual_up_kw) == (-8.0, 0.0)
    alarm = Alarm.objects.get(kind="EXPECTED_SHORTFALL")
    assert (alarm.award_id, alarm.short_kw) == (played.award.pk, pytest.approx(12.0))


def test_an_owner_who_opts_out_counts_before_an_emergency() -> None:
    played = PlayedDay(3, up_kw=9.0)
    make_terms(played.devices[0], opted_out=True)
    ordered(played, 25.0)
    assert set(played.targets(40)) == set(played.devices[1:])
    assert ControlCycle.objects.get().residual_up_kw == pytest.approx(5.0)
    operations.set_device_opt_out(played.devices[1], opted_out=True, at=played.start(40) + MINUTE, actor="owner")
    assert set(played.targets(40)) == {played.devices[2]}, "inside it as well"


def test_when_the_emergency_ends_the_award_is_met_again() -> None:
    played = PlayedDay(4, up_kw=12.0)
    ordered(played, 0.0)
    assert played.targets(40) == {}
    end_emergency(played.portfolio, at=played.start(40) + 5 * MINUTE, actor="dso")
    assert sum(played.targets(40).values()) == pytest.approx(-12.0)
    assert end_emergency(played.portfolio, at=played.start(40) + 6 * MINUTE, actor="dso") == []


def test_the_order_is_data_and_holds_from_its_date_on() -> None:
    played = PlayedDay(4, up_kw=12.0)
    order = ["SAFETY_AND_OWNER", "MARKET", "GRID_EMERGENCY", "COMMIT"]
    DispatchPriority.objects.create(valid_from=played.start(41), order=order)
    ordered(played, 5.0)
    assert sum(played.targets(40).values()) == pytest.approx(-5.0)
    played.cycle(41)
    assert sum(played.targets(41).values()) == pytest.approx(-17.0), "the market's award, and the emergency on top"


def test_who_goes_short_first_follows_the_order() -> None:
    from vpp.dispatch.positions import position_of

    played = PlayedDay(1, up_kw=4.0)
    position = position_of(played.portfolio.pk, played.day)
    assert goes_short_last(position, played.start(40)).tolist() == [False]
    DispatchPriority.objects.create(
        valid_from=played.start(41), order=["SAFETY_AND_OWNER", "GRID_EMERGENCY", "MARKET", "COMMIT"]
    )
    assert goes_short_last(position, played.start(41)).tolist() == [True]


@pytest.mark.parametrize(
    "order",
    [
        ["GRID_EMERGENCY", "SAFETY_AND_OWNER", "COMMIT", "MARKET"],
        ["SAFETY_AND_OWNER", "COMMIT", "MARKET"],
        ["SAFETY_AND_OWNER", "COMMIT", "COMMIT", "MARKET"],
    ],
)
def test_nothing_is_put_before_safety_and_no_claim_is_left_out(order: list[str]) -> None:
    with pytest.raises(IntegrityError, match="priority_safety_first"), transaction.atomic():
        DispatchPriority.objects.create(valid_from=clock.now(), order=order)


def test_the_command_orders_and_ends_and_two_orders_at_once_are_refused() -> None:
    played, said = PlayedDay(2, up_kw=4.0), StringIO()
    clock.set_simulated(played.start(40) + MINUTE)
    code = played.portfolio.code
    call_command("grid_emergency", code, "--up-kw", "3", stdout=said)
    assert sum(played.targets(40).values()) == pytest.approx(-3.0)
    with pytest.raises(CommandError, match="another order"):
        call_command("grid_emergency", code, "--up-kw", "3")
    with pytest.raises(EmergencyInForce):
        ordered(played, 1.0)
    call_command("grid_emergency", code, "--end", stdout=said)
    assert sum(played.targets(40).values()) == pytest.approx(-4.0)
    assert said.getvalue().splitlines()[-1] == "ended"
    for words, message in ((["nobody"], "no such portfolio"), ([code], "give --up-kw")):
        with pytest.raises(CommandError, match=message):
            call_command("grid_emergency", *words)
