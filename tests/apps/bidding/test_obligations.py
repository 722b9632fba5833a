"""A capacity obligation from the product to the page: offered in its hours, and named where the fleet is too small."""

from __future__ import annotations

import numpy as np
import pytest

from bidding import operations
from bidding.models import Bid, NightlyRun, PlannedDay, Product
from bidding.operations import optimising
from bidding.wholesale.obligations import must_offer_kw, still_owed
from bidding.wholesale.queries import open_product
from tests.apps.bidding.world import make_fleet
from tests.apps.console.makers import client_for, make_user, page
from vpp.accounts.models import Participant
from vpp.lib.periods import DeliveryDay

pytestmark = pytest.mark.django_db
EVENING = slice(72, 80)  # 18 to 20 o'clock, in the block from 16 to 20


def owed(world, kw: float, *hours: int) -> None:
    Product.objects.filter(pk=world.reserve.pk).update(
        must_offer_kw=kw, must_offer_hours=list(hours), reference_price=0.0
    )


def night(world) -> NightlyRun:
    return operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)


def test_what_is_owed_is_bid_though_it_is_not_paid_for(world, monkeypatch):
    monkeypatch.setattr(optimising, "NODE_LIMIT", 20)
    owed(world, 150.0, 18, 19)
    run = night(world)
    bid = Bid.objects.get(product=world.reserve)
    assert min(bid.up_kw[EVENING]) >= 200.0 and bid.state == Bid.State.SUBMITTED
    assert not any("must_offer" in finding for finding in run.steps.get(name="optimise").detail["findings"])
    assert PlannedDay.objects.get().shortfalls == []


def test_what_the_fleet_cannot_offer_is_on_the_run_and_on_the_page(world):
    owed(world, 750.0, 18)
    run = night(world)
    planned = PlannedDay.objects.get()
    offered = Bid.objects.get(product=world.reserve).up_kw[72]
    short = [item for item in planned.shortfalls if item["limit"] == "must_offer_kw"]
    assert [item["interval"] for item in short] == [72, 73, 74, 75] and 0 < offered <= 394.0
    assert {item["missing"] for item in short} == {750.0 - offered}
    assert run.state == NightlyRun.State.DEGRADED and planned.status == "degraded"
    wanted = f"misses {750.0 - offered:.1f} of must_offer_kw in interval 72"
    assert any(wanted in finding for finding in run.steps.get(name="optimise").detail["findings"])
    staff = client_for(make_user("ada", Participant.Kind.AGGREGATOR, admin=True))
    body = page(staff, f"/bids/{world.portfolio.code}/{world.day.date.isoformat()}/")
    assert "capacity obligation, not offered" in body and "18:00–19:00" in body and f"{750.0 - offered:.0f}" in body


def test_two_portfolios_share_what_is_owed(world):
    """More than either can hold alone: the second is asked for what the first leaves."""
    make_fleet(world.point.feeder.code, heat_pumps=0)
    owed(world, 500.0, 18)
    run = night(world)
    offered = [bid.up_kw[72] for bid in Bid.objects.filter(product=world.reserve).order_by("portfolio__code")]
    assert len(offered) == 2 and sum(offered) >= 500.0 and max(offered) < 500.0
    assert not any("must_offer" in finding for finding in run.steps.get(name="optimise").detail["findings"])
    assert all(planned.shortfalls == [] for planned in PlannedDay.objects.all())


def test_a_failing_solver_leaves_the_shortfall_named(world, monkeypatch):
    from bidding.kernels import co_optimise
    from bidding.kernels.solver import SolverFailed, Status

    def fail(*_args, **_fields):
        raise SolverFailed(Status.NO_SOLUTION, "the time ran out")

    monkeypatch.setattr(co_optimise, "co_optimise", fail)
    Product.objects.filter(pk=world.energy.pk).update(must_offer_kw=100.0, must_offer_hours=[7])
    findings = night(world).steps.get(name="optimise").detail["findings"]
    assert sum("ENERGY-60 misses 100.0 of must_offer_kw" in finding for finding in findings) == 4


def test_hours_are_the_markets_own_and_what_is_bid_already_counts(world):
    owed(world, 300.0, 2)
    world.reserve.refresh_from_db()
    spring, autumn = (DeliveryDay(type(world.day.date)(2016, *day), world.day.zone) for day in ((3, 27), (10, 30)))
    lengths = [int((must_offer_kw(world.reserve, day) > 0).sum()) for day in (world.day, spring, autumn)]
    assert lengths == [4, 0, 8]
    world.open_book(380.0)
    operations.create_bid(world.draft(200.0, product=world.reserve), at=world.at)
    offer = open_product(world.reserve, world.day.date, world.at)
    assert offer is not None
    (left,) = still_owed([offer])
    assert left.must_offer_kw is not None and np.array_equal(np.unique(left.must_offer_kw), [0.0, 100.0])
    (mine,) = still_owed([offer], but=world.portfolio)
    assert mine.must_offer_kw is not None and mine.must_offer_kw.max() == 300.0
