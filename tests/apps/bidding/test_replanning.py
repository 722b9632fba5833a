"""A bid that is taken in part, not at all, rejected or expired: the rest of the day is planned anew, and says why."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from bidding import actors, operations, queries
from bidding.errors import RunUnderWay
from bidding.kernels.exchange import Receipt
from bidding.models import Bid, Market, NightlyRun, PlannedDay, Product
from bidding.operations import exchange, replan_jobs
from bidding.operations.replanning import replan
from bidding.wholesale.operations import AwardRow
from tests.apps.bidding.world import client_of, market_operator
from vpp.accounts.models import AuditEvent
from vpp.enrollment.models import Device
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job
from vpp.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def night(world):
    """The night has bid; the reserve's gate is four hours after the energy's, so its bid can still be changed."""
    Market.objects.filter(code="RESERVE-DE").update(gate_local_time="16:00")
    Product.objects.filter(code="RESERVE-UP-4H").update(reference_price=1.0)
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    world.at = world.at.replace(hour=11)  # after the energy's gate
    clock.set_simulated(world.at)
    return world


def bid_of(product) -> Bid:
    return Bid.objects.filter(product=product, state__in=Bid.LIVE_STATES).get()


def award_share(world, share: float):
    bid = bid_of(world.energy)
    up_kw, down_kw = ((share * np.array(side)).tolist() for side in (bid.up_kw, bid.down_kw))
    row = AwardRow(bid.pk, "R1", up_kw, down_kw, [40.0] * len(up_kw))
    operations.post_awards(market=world.energy.market, rows=[row], at=world.at, actor="market")
    return bid


def run_jobs():
    Job.objects.filter(kind=replan_jobs.REPLAN).update(run_after=jobs.wall_now())
    jobs.run_pending()


def test_capacity_that_energy_did_not_take_goes_to_the_later_gate(night):
    first = bid_of(night.reserve)
    award_share(night, 0.0)
    assert Job.objects.get(kind=replan_jobs.REPLAN).state == Job.State.PENDING
    run_jobs()
    assert Job.objects.get(kind=replan_jobs.REPLAN).state == Job.State.DONE
    first.refresh_from_db()
    second = bid_of(night.reserve)
    assert first.state == Bid.State.WITHDRAWN and second.version == 2 and second.state == Bid.State.SUBMITTED
    assert sum(second.up_kw) > sum(first.up_kw)
    reasons = {
        event.reason for event in (*first.events.filter(state="WITHDRAWN"), *second.events.filter(state="DRAFT"))
    }
    assert len(reasons) == 1 and "was not cleared" in reasons.pop()
    run = NightlyRun.objects.get(natural_key__startswith=NightlyRun.REPLAN)
    assert "was not cleared" in run.steps.get(name="why").detail["why"] and second.nightly_run == run
    assert run.steps.get(name="optimise").detail["open_bids"] == "planned anew"
    assert AuditEvent.objects.get(action="plan.replanned").reason
    assert queries.book_check(night.day.date) == []
    assert queries.nightly_run("DE", night.day.date).natural_key.startswith("nightly:")


def test_a_partial_award_is_fixed_and_the_plan_keeps_to_it(night):
    award_share(night, 0.5)
    run_jobs()
    planned = PlannedDay.objects.latest("pk")
    assert planned.run.natural_key.startswith(NightlyRun.REPLAN) and planned.shortfalls == []
    assert not any(planned.positions["sell_kw"]) and bid_of(night.energy).state == Bid.State.CLEARED
    night_plan = PlannedDay.objects.earliest("pk")
    assert planned.expected_profit != night_plan.expected_profit
    assert queries.book_check(night.day.date) == []


def test_a_full_award_asks_for_no_new_plan(night):
    bid = award_share(night, 1.0)
    assert bid.up_kw and not Job.objects.filter(kind=replan_jobs.REPLAN).exists()


def test_results_that_come_together_are_answered_by_one_plan(night):
    award_share(night, 0.0)
    reserve = bid_of(night.reserve)
    receipt = Receipt(reserve.natural_key, False, 0, "", "B59")
    exchange.take_receipt(market=night.reserve.market, receipts=[receipt], at=night.at, actor="file")
    assert Job.objects.filter(kind=replan_jobs.REPLAN).count() == 2
    run_jobs()
    assert NightlyRun.objects.filter(natural_key__startswith=NightlyRun.REPLAN).count() == 1
    assert not Bid.objects.filter(product=night.reserve, state__in=Bid.LIVE_STATES).exists()  # the market refused it


def test_an_expired_bid_frees_its_kilowatts_for_the_later_gate(night):
    energy = bid_of(night.energy)
    Bid.objects.filter(pk=energy.pk).update(state=Bid.State.CHECKED)  # as if the night had died before sending
    assert operations.expire_bids(at=night.at) == 1
    run_jobs()
    assert bid_of(night.reserve).version == 2
    why = NightlyRun.objects.get(natural_key__startswith=NightlyRun.REPLAN).steps.get(name="why").detail["why"]
    assert "EXPIRED: its gate passed unsent" in why


def test_what_an_operator_holds_or_made_is_left_alone(night):
    reserve = bid_of(night.reserve)
    operations.hold_bid(bid=reserve, at=night.at, actor="desk", reason="wait")
    award_share(night, 0.0)
    run_jobs()
    reserve.refresh_from_db()
    assert reserve.state == Bid.State.HELD and PlannedDay.objects.count() == 2


def test_it_waits_for_the_nightly_run_and_is_not_made_without_one(night):
    fields = {"portfolio_id": night.portfolio.pk, "delivery_date": night.day.date, "event_id": 1, "why": "x"}
    NightlyRun.objects.update(state=NightlyRun.State.RUNNING)
    with pytest.raises(RunUnderWay):
        replan(**fields, at=night.at)
    other = fields | {"delivery_date": night.day.date + timedelta(days=1)}
    assert replan(**other, at=night.at) is None


def test_an_award_over_http_starts_it(night, client):
    bid = bid_of(night.energy)
    _, headers = client_of(market_operator(), "read", "awards:write")
    zero = [0.0] * night.day.n_intervals
    row = {"bid": bid.pk, "reference": "R9", "up_kw": zero, "down_kw": zero, "price_per_mwh": zero}
    answer = client.post(
        "/api/v1/markets/DAY-AHEAD-DE/awards", {"awards": [row]}, content_type="application/json",
        headers=headers | {"Idempotency-Key": "a1"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    event = bid.events.latest("pk")
    result = actors.replan_rest(
        at=night.at, portfolio_id=night.portfolio.pk, delivery_date=night.day.date.isoformat(), event_id=event.pk,
        why="R9",
    )  # fmt: skip
    assert result is not None and result["run"].startswith("replan:")


def test_what_was_promised_too_much_is_told_only_where_it_still_is(night):
    first = bid_of(night.reserve)
    some = Device.objects.filter(kind="BATTERY").order_by("pk").values_list("pk", flat=True)[:20]
    Device.objects.filter(pk__in=list(some)).update(controllable=False)
    award_share(night, 0.0)
    run_jobs()
    assert sum(bid_of(night.reserve).up_kw) < sum(first.up_kw)
    check = NightlyRun.objects.get(natural_key__startswith=NightlyRun.REPLAN).steps.get(name="check")
    assert (check.detail["withdrawn"], check.detail["findings"]) == (1, [])
