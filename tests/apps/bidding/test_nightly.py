"""The nightly run: bids before the gate, a fallback when the solver fails, resumed after a kill, known data only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from bidding import operations, queries
from bidding.errors import GatePassed, NoMarkets
from bidding.kernels.solver import SolverFailed, Status
from bidding.models import Ask, Bid, BookEntry, Market, NightlyRun, NightlyStep, PlannedDay, Product
from bidding.operations import nightly_steps, optimising
from tests.apps.bidding.world import make_world
from tests.factories import make_device, make_portfolio
from vpp.accounts.models import AuditEvent
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job
from vpp.lib import clock

pytestmark = pytest.mark.django_db


def run_night(world, **fields):
    return operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at, **fields)


def test_it_sells_energy_and_reserve_and_answers_the_ask_in_one_go(world, monkeypatch):
    monkeypatch.setattr(optimising, "NODE_LIMIT", 40)
    monkeypatch.setattr(optimising, "GAP_TARGET", 4e-2)
    ask = world.ask()
    Product.objects.filter(code="RESERVE-UP-4H").update(reference_price=3.0)
    run = run_night(world)
    bids = {bid.product.kind: bid for bid in Bid.objects.select_related("product")}
    assert set(bids) == {Product.Kind.ENERGY, Product.Kind.RESERVE_UP, Product.Kind.ASK}
    assert {bid.state for bid in bids.values()} == {Bid.State.SUBMITTED}
    assert bids["ASK"].up_kw[72:76] == [40.0] * 4 and sum(bids["ASK"].up_kw) == 160.0
    assert 0 < bids["ASK"].price_per_mwh[0] <= 400.0
    assert all(quantity % 100 == 0 for quantity in bids["ENERGY"].up_kw + bids["ENERGY"].down_kw)
    assert sum(bids["ENERGY"].up_kw) > 0 and sum(bids["ENERGY"].down_kw) > 0
    ask.refresh_from_db()
    assert ask.state == Ask.State.BID
    assert queries.book_check(world.day.date) == []
    planned = PlannedDay.objects.get()
    assert planned.kind == PlannedDay.Kind.OPTIMISED and planned.gap is not None and planned.gap <= 0.05
    assert bids["ENERGY"].forecast_run == planned.forecast_run is not None
    assert run.state in (NightlyRun.State.DONE, NightlyRun.State.DEGRADED)
    assert [step.name for step in run.steps.order_by("pk")] == [
        "data", "forecast", "fallback", "optimise", "check", "submit",
    ]  # fmt: skip
    assert AuditEvent.objects.filter(action="bid.submitted").count() == 3


def test_what_is_promised_is_what_the_devices_can_do(world):
    run_night(world)
    planned = PlannedDay.objects.get()
    up = np.sum([bid.up_kw for bid in Bid.objects.all()], axis=0)
    assert np.all(up <= np.array(planned.capacity_up_kw) + 1e-6)
    assert np.max(planned.capacity_up_kw) <= 40 * 10 * 0.95 + 10 * 2.0


def test_a_second_run_changes_nothing(world):
    world.ask()
    run = run_night(world)
    before = list(Bid.objects.order_by("pk").values())
    entries = BookEntry.objects.count()
    again = operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at + timedelta(minutes=30))
    assert again == run and list(Bid.objects.order_by("pk").values()) == before
    assert BookEntry.objects.count() == entries


@pytest.mark.parametrize("step", ["prepare_fallbacks", "optimise", "make_bids", "submit"])
@pytest.mark.parametrize("after", [False, True])
def test_a_killed_run_is_resumed_to_the_same_result(world, monkeypatch, step, after):
    """The process dies before or after a step's work; the next try ends as if nothing had happened."""
    world.ask()
    real = getattr(nightly_steps, step)

    class Killed(BaseException):
        pass

    def die(context):
        if after:
            real(context)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(nightly_steps, step, die)
        with pytest.raises(Killed):
            run_night(world)
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at + timedelta(minutes=5))
    bids = Bid.objects.select_related("product").order_by("product__kind")
    assert [(bid.product.kind, bid.state, bid.version) for bid in bids] == [
        ("ASK", "SUBMITTED", 1), ("ENERGY", "SUBMITTED", 1), ("RESERVE_UP", "SUBMITTED", 1),
    ]  # fmt: skip
    assert NightlyRun.objects.count() == 1 and PlannedDay.objects.count() == 1
    assert queries.book_check(world.day.date) == []


def test_a_failing_solver_leaves_the_fallback_bid_and_says_so(world, monkeypatch):
    from bidding.kernels import co_optimise

    def fail(*_args, **_fields):
        raise SolverFailed(Status.NO_SOLUTION, "the time ran out")

    monkeypatch.setattr(co_optimise, "co_optimise", fail)
    run = run_night(world)
    (bid,) = Bid.objects.select_related("product")
    assert bid.product.kind == Product.Kind.RESERVE_UP and bid.state == Bid.State.SUBMITTED and bid.gap is None
    assert run.state == NightlyRun.State.DEGRADED
    findings = run.steps.get(name="optimise").detail["findings"]
    assert any("fallback bid" in finding and "time ran out" in finding for finding in findings)


def test_a_bid_that_breaks_its_products_rules_is_a_finding_and_does_not_end_the_night(world, monkeypatch):
    def lots_have_grown(context):
        for offer in context.products:
            offer.product.lot_kw = 7_000.0
        return {}

    monkeypatch.setattr(nightly_steps, "optimise", lots_have_grown)
    run = run_night(world)
    assert run.state == NightlyRun.State.DEGRADED and not Bid.objects.exists()
    (finding,) = run.steps.get(name="check").detail["findings"]
    assert world.portfolio.code in finding and "in interval 0" in finding


def test_a_shortfall_is_on_the_run(world, monkeypatch):
    """Something was awarded that the fleet no longer has: the run says which interval and how much."""
    from bidding.operations import awards

    world.open_book(1500.0)
    early = operations.create_bid(world.draft(1500.0, product=world.ask_product), at=world.at)
    operations.submit_bid(early, at=world.at)
    awards.take_award(
        early, up_kw=early.up_kw, down_kw=early.down_kw, price_per_mwh=early.price_per_mwh, reference="x",
        at=world.at, actor="m",
    )  # fmt: skip
    run = run_night(world)
    assert run.state == NightlyRun.State.DEGRADED
    findings = " ".join(run.steps.get(name="optimise").detail["findings"])
    assert "committed misses" in findings and "interval 0" in findings
    assert PlannedDay.objects.get().status == "degraded"


def test_without_any_market_or_after_every_gate_nothing_is_begun(world):
    with pytest.raises(NoMarkets):
        operations.nightly(zone_code="FR", delivery_date=world.day.date, at=world.at)
    with pytest.raises(GatePassed):
        operations.nightly(zone_code="DE", delivery_date=world.day.date, at=datetime(2016, 7, 13, 10, tzinfo=UTC))
    assert not NightlyRun.objects.exists()


def test_a_run_that_reaches_the_gate_does_not_send(world, monkeypatch):
    """Killed after its bids were made and resumed too late: they expire and their kilowatts are free."""

    class Killed(BaseException):
        pass

    def die(_context):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(nightly_steps, "submit", die)
        with pytest.raises(Killed):
            run_night(world)
    assert Bid.objects.filter(state=Bid.State.CHECKED).exists()
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=datetime(2016, 7, 13, 10, tzinfo=UTC))
    assert set(Bid.objects.values_list("state", flat=True)) == {Bid.State.EXPIRED}
    assert not BookEntry.objects.exclude(state=BookEntry.State.RELEASED).exists()


def test_an_ask_too_dear_for_us_or_elsewhere_gets_no_bid(world):
    cheap = world.ask(ceiling_price_per_mwh=0.0)
    run_night(world)
    cheap.refresh_from_db()
    assert cheap.state == Ask.State.NO_BID and not Bid.objects.filter(ask=cheap).exists()


def test_an_ask_whose_first_bid_was_revoked_gets_another_one(world):
    from bidding.distribution.answering import answer_feeder

    ask = world.ask()
    (first,) = answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at).bids
    operations.revoke_bid(bid=first, at=world.at, actor="t")
    run_night(world)
    ask.refresh_from_db()
    again = Bid.objects.exclude(pk=first.pk).get(ask=ask)
    assert (ask.state, again.state, again.version) == (Ask.State.BID, Bid.State.SUBMITTED, 2)


def test_what_a_held_bid_answers_is_not_planned_again(world):
    world.open_book(380.0)
    ask = world.ask()
    draft = replace(world.draft(0.0, product=world.ask_product, ask=ask), up_kw=ask.quantity_kw)
    held = operations.create_bid(draft, at=world.at)
    operations.hold_bid(bid=held, at=world.at, actor="t", reason="storm")
    run_night(world)
    assert not any(map(any, PlannedDay.objects.get().positions["ask_kw"].values()))
    assert Bid.objects.filter(ask=ask).count() == 1


def test_asks_behind_another_zones_feeder_are_left_to_that_zone(world):
    ask = world.ask()
    Market.objects.create(
        code="ELSEWHERE", name="elsewhere", kind="WHOLESALE", zone_code="AT", time_zone="Europe/Vienna",
        mtu_minutes=60, gate_days_before=1, gate_local_time=time(12),
    )  # fmt: skip
    Product.objects.filter(pk=world.reserve.pk).update(market=Market.objects.get(code="ELSEWHERE"))
    make_portfolio(devices=[make_device()], zone_code="AT")
    operations.nightly(zone_code="AT", delivery_date=world.day.date, at=world.at)
    ask.refresh_from_db()
    assert ask.state == Ask.State.ASKED
    run_night(world)
    ask.refresh_from_db()
    assert ask.state == Ask.State.BID


def test_a_product_that_ended_is_no_finding(world):
    ended = DateTimeTZRange(datetime(2010, 1, 1, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC))
    Product.objects.filter(pk=world.reserve.pk).update(period=ended)
    run = run_night(world)
    assert not [one for one in run.steps.get(name="data").detail["findings"] if "RESERVE-UP" in one]


def test_two_asks_for_the_same_kilowatts_are_not_both_answered_in_full(world):
    everything = [0.0] * 72 + [10_000.0] * 4 + [0.0] * 20
    first, second = world.ask(quantity_kw=everything), world.ask(quantity_kw=everything)
    run_night(world)
    up = np.sum([bid.up_kw for bid in Bid.objects.filter(ask__in=[first, second])], axis=0)
    assert 0 < up[72] <= PlannedDay.objects.get().capacity_up_kw[72]
    assert queries.book_check(world.day.date) == []


def test_prices_published_later_are_not_seen(world, monkeypatch):
    """The run knows only what was known when it began: tomorrow's prices, posted early under a later moment,
    stay unseen.
    """
    from bidding.wholesale import operations as wholesale
    from bidding.wholesale.operations import PriceRow
    from bidding.wholesale.queries import open_product

    rows = [PriceRow(start, 999.0) for start in world.day.starts()[::4]]
    wholesale.post_prices(
        market=world.energy.market, product_code="ENERGY-60", rows=rows, source="test",
        available_at=world.at + timedelta(minutes=1),
    )  # fmt: skip
    offer = open_product(world.energy, world.day.date, world.at)
    assert offer is not None and offer.price.max() < 100 and offer.note == "mean of 7 known days"
    later = open_product(world.energy, world.day.date, world.at + timedelta(minutes=1))
    assert later is not None and later.price.tolist() == [999.0] * 24 and later.note == "published"


def test_a_missing_price_is_named(world):
    Product.objects.filter(code="RESERVE-UP-4H").update(reference_price=None)
    run = run_night(world)
    assert any("no price is known" in finding for finding in run.steps.get(name="data").detail["findings"])
    assert not Bid.objects.filter(product=world.reserve).exists()


def test_a_portfolio_without_devices_bids_nothing(at):
    world = make_world(date(2016, 7, 14), at.replace(hour=8), batteries=0, heat_pumps=0)
    run = run_night(world)
    assert not Bid.objects.exists() and run.finished_at is not None


@pytest.mark.parametrize(("day", "count"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100)])
def test_clock_change_days_are_bid_with_their_own_length(db, day, count):
    at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) - timedelta(days=1)
    world = make_world(day, at)
    quantity_kw = [0.0] * count
    quantity_kw[-8:-4] = [30.0] * 4
    world.ask(quantity_kw=quantity_kw)
    run_night(world)
    assert {len(bid.up_kw) for bid in Bid.objects.all()} == {count}
    assert {bid.product.kind for bid in Bid.objects.select_related("product")} >= {"RESERVE_UP", "ASK"}
    reserve = Bid.objects.get(product=world.reserve)
    first_block = 16 + (count - 96)
    assert len(set(reserve.up_kw[:first_block])) == 1
    assert queries.book_check(day) == []


def test_the_job_runs_the_night_once(world):
    from bidding import actors

    clock.set_simulated(world.at)
    job = actors.enqueue_nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    assert actors.enqueue_nightly(zone_code="DE", delivery_date=world.day.date, at=world.at) == job
    jobs.run_pending()
    job.refresh_from_db()
    assert job.state == Job.State.DONE and job.result["bids"] >= 2
    actors.run_nightly(at=world.at, zone_code="DE", delivery_date=world.day.date.isoformat())
    assert Bid.objects.count() == job.result["bids"]


def test_the_command_bids_and_reports(world):
    out = StringIO()
    call_command("nightly", "--date", "2016-07-14", "--zone", "DE", "--at", "2016-07-13T10:00:00+02:00", stdout=out)
    assert "submit: DONE" in out.getvalue() and NightlyStep.objects.count() == 6
    bid = Bid.objects.filter(product__kind="ENERGY").earliest("pk")
    told = f"{bid.product.market.code} {bid.product.code}: up {sum(bid.up_kw) / 4:.1f}, down {sum(bid.down_kw) / 4:.1f} kWh"
    assert told in out.getvalue() and f", gap {bid.gap:.2%}" in out.getvalue()
    with pytest.raises(CommandError, match="time zone"):
        call_command("nightly", "--date", "2016-07-14", "--zone", "DE", "--at", "2016-07-13T10:00:00", stdout=out)
    with pytest.raises(CommandError, match="NoMarkets"):
        call_command("nightly", "--date", "2016-07-14", "--zone", "FR", "--at", "2016-07-13T10:00:00+02:00", stdout=out)
