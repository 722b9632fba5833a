"""The control loop on a real database."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from bidding.operations.awards import take_award
from bidding.operations.book import open_book
from tests.apps.dispatch.day import PlayedDay
from tests.apps.settlement.makers import make_award
from tests.factories import make_client, make_terms
from vpp.accounts.models import AuditEvent
from vpp.dispatch import operations, queries
from vpp.dispatch.models import ControlCycle, DeviceStatus, Plan, PlanDevice, Setpoint, Shortfall

pytestmark = pytest.mark.django_db


def test_a_plan_splits_the_award_over_the_devices_and_is_made_once() -> None:
    played = PlayedDay(4, up_kw=12.0)
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(-40))
    assert plan.state == Plan.State.OK
    assert plan.award_ids == [played.award.pk]
    assert plan.target_kw[41] == pytest.approx(-12.0)
    assert PlanDevice.objects.filter(plan=plan).count() == 4
    assert operations.plan_day(played.portfolio.pk, played.day.date, played.start(-39)).pk == plan.pk
    make_award(played.portfolio, day=played.day.date, up={60: 4.0})
    assert operations.plan_day(played.portfolio.pk, played.day.date, played.start(-38)).version == 2


def test_a_plan_that_cannot_be_met_says_where_and_why() -> None:
    played = PlayedDay(2, up_kw=50.0)
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(-40))
    assert plan.state == Plan.State.DEGRADED
    missing = list(queries.shortfalls_of(played.portfolio.pk, played.day))
    assert len(missing) == 8
    assert missing[0].shortfall_kw == pytest.approx(30.0)
    assert missing[-1].limit == "ENERGY"


def test_a_cycle_happens_once_and_writes_only_what_changed() -> None:
    played = PlayedDay(4, up_kw=12.0)
    gateway, _ = make_client()
    first = played.cycle(40)
    assert first.placed_up_kw == pytest.approx(12.0) and first.written == 4
    assert played.cycle(40).pk == first.pk
    assert Setpoint.objects.count() == 4
    played.fetch_and_accept(40, gateway)
    played.report(40, played.targets(40), soc_kwh=9.0)
    second = played.cycle(41)
    assert second.written == 0
    assert second.detail["verdicts"] == {"FOLLOWED": 4}
    assert set(Setpoint.objects.values_list("state", flat=True)) == {"FOLLOWED"}


def test_what_was_sent_and_never_answered_nor_measured_is_asked_again_in_the_next_interval() -> None:
    """No gateway and no reading for a quarter hour: whether the devices heard of it nobody can tell."""
    played = PlayedDay(4, up_kw=12.0)
    gateway, _ = make_client()
    played.cycle(40)
    operations.fetch_setpoints(gateway, played.start(40), played.start(40), everything=False)
    second = played.cycle(41)
    assert set(Setpoint.objects.filter(cycle__interval_start=played.start(40)).values_list("state", flat=True)) == {
        "MISSED"
    }
    assert second.written == 4
    waiting = operations.waiting_setpoints(played.start(41))
    assert waiting.size == 4 and set(waiting.interval_start) == {played.start(41)}


def test_an_unchanged_setpoint_is_renewed_before_it_runs_out() -> None:
    played = PlayedDay(4, up_kw=12.0)
    gateway, _ = make_client()
    written = []
    for index in range(40, 48):
        written.append(played.cycle(index).written)
        played.fetch_and_accept(index, gateway)
        assert sum(played.targets(index).values()) == pytest.approx(-12.0)
        played.report(index, played.targets(index), soc_kwh=9.5)
    assert written == [4, 0, 0, 0, 4, 0, 0, 0]
    assert played.cycle(48).written == 0
    assert played.targets(48) == {}, "the last setpoints ended with the award"


def test_a_device_that_does_not_follow_is_replaced_in_the_next_cycle_and_tried_again_later() -> None:
    played = PlayedDay(4, up_kw=12.0, until=56)
    gateway, _ = make_client()
    rogue = played.devices[0]
    for index in range(40, 43):
        cycle = played.cycle(index)
        assert cycle.placed_up_kw == pytest.approx(12.0)
        played.fetch_and_accept(index, gateway)
        played.report(index, played.targets(index) | {rogue: 0.0}, soc_kwh=9.0)
    assert DeviceStatus.objects.get(device=rogue).state == "DISOBEYED"
    targets = played.targets(42)
    assert rogue not in targets and sum(targets.values()) == pytest.approx(-12.0)
    assert Setpoint.objects.get(device=rogue, interval_start=played.start(40)).state == "MISSED"
    played.cycle(43)
    assert rogue in played.targets(43), "it gets another chance"


def test_a_silent_device_is_replaced_and_used_again_as_soon_as_it_reports() -> None:
    played = PlayedDay(4, up_kw=12.0)
    gateway, _ = make_client()
    lost = played.devices[1]
    played.cycle(40)
    played.fetch_and_accept(40, gateway, silent=(lost,))
    played.report(40, {one: kw for one, kw in played.targets(40).items() if one != lost}, soc_kwh=9.0)
    played.cycle(41)
    assert DeviceStatus.objects.get(device=lost).state == "SILENT"
    assert lost not in played.targets(41)
    assert sum(played.targets(41).values()) == pytest.approx(-12.0)
    played.fetch_and_accept(41, gateway)
    played.report(41, played.targets(41) | {lost: 0.0}, soc_kwh=9.0)
    played.cycle(42)
    assert DeviceStatus.objects.get(device=lost).state == "ONLINE"
    assert lost in played.targets(42)


def test_a_refusal_is_made_up_for_inside_the_interval() -> None:
    played = PlayedDay(4, up_kw=12.0)
    gateway, _ = make_client()
    played.cycle(40)
    found = operations.fetch_setpoints(gateway, played.start(40), played.start(40), everything=False).setpoints
    ids = found.id.tolist()
    operations.answer_setpoints(gateway, ids[1:], {ids[0]: "owner said no"}, played.start(40))
    again = played.cycle(40, revision=1)
    assert again.placed_up_kw == pytest.approx(12.0)
    refuser = found.device_id.tolist()[0]
    in_force = played.in_force(40)
    mine = in_force.device_id.tolist().index(refuser)
    assert in_force.state[mine] == "REFUSED"
    others = sum(target for device, target in played.targets(40).items() if device.pk != refuser)
    assert others == pytest.approx(-12.0)
    assert Setpoint.objects.filter(state="SUPERSEDED").count() == 3


def test_what_no_device_can_give_is_a_row_with_device_interval_limit_and_reason() -> None:
    played = PlayedDay(2, up_kw=18.0)
    gateway, _ = make_client()
    played.cycle(40)
    played.fetch_and_accept(40, gateway)
    working, broken = played.devices
    played.report(40, {working: -9.0, broken: 0.0}, soc_kwh=9.0)
    cycle = played.cycle(41)
    assert cycle.residual_up_kw == pytest.approx(8.0)
    total = Shortfall.objects.get(cycle=cycle, device=None)
    assert (total.limit, total.interval_start) == ("DISOBEYED", played.start(41))
    assert total.shortfall_kw == pytest.approx(8.0)
    part = Shortfall.objects.get(cycle=cycle, device=broken)
    assert part.limit == "DISOBEYED" and part.shortfall_kw == pytest.approx(9.0)


def test_owners_who_opted_out_or_want_notice_are_left_alone() -> None:
    played = PlayedDay(3, up_kw=9.0)
    make_terms(played.devices[0], opted_out=True)
    cycle = played.cycle(40)
    assert set(played.targets(40)) == set(played.devices[1:])
    assert cycle.unavailable == 1


@pytest.mark.parametrize(("day", "count"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100)])
def test_clock_change_days_have_their_own_number_of_cycles(day: date, count: int) -> None:
    played = PlayedDay(2, up_kw=4.0, day=day, until=44)
    gateway, _ = make_client()
    for index in range(count):
        played.cycle(index)
        if 40 <= index < 44:
            played.fetch_and_accept(index, gateway)
    assert ControlCycle.objects.count() == count
    assert ControlCycle.objects.filter(committed_up_kw=4.0).count() == 4
    assert queries.setpoint_matrix(played.portfolio.pk, played.day).target_kw.shape == (2, count)


def test_every_written_cycle_is_in_the_audit_trail() -> None:
    played = PlayedDay(2, up_kw=4.0)
    cycle = played.cycle(40)
    event = AuditEvent.objects.get(action="setpoints.written")
    assert event.subject_key == str(cycle.pk) and (event.after or {})["written"] == 2


def test_devices_stop_delivering_what_the_market_takes_back() -> None:
    played = PlayedDay(4, up_kw=12.0)
    gateway, _ = make_client()
    assert played.cycle(40).placed_up_kw == pytest.approx(12.0)
    played.fetch_and_accept(40, gateway)
    begun = [kw if index <= 40 else 0.0 for index, kw in enumerate(played.award.up_kw)]
    open_book(portfolio_id=played.portfolio.pk, day=played.day, up_kw=np.full(96, 40.0), down_kw=np.full(96, 40.0))
    take_award(
        played.award.bid, up_kw=begun, down_kw=played.award.down_kw, price_per_mwh=played.award.price_per_mwh,
        reference="A-2", corrects=played.award.source_reference, at=played.start(40), actor="market",
    )  # fmt: skip
    stopped = played.cycle(41)
    assert stopped.placed_up_kw == pytest.approx(0.0) and stopped.written == 4
    assert Plan.objects.latest("version").award_ids == [played.award.bid.awards.latest("pk").pk]
