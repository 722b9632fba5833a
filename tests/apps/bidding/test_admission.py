"""A market's rules on kinds, sizes and places of devices decide what a portfolio offers there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bidding.kernels.co_optimise import build
from bidding.models import Market, Product
from bidding.operations.admission import admission, misplaced
from bidding.operations.gather import Gathered, gather
from bidding.wholesale.queries import open_product
from tests.apps.bidding.world import World
from tests.factories import make_congestion_point, make_terms
from vpp.enrollment.models import Device
from vpp.enrollment.queries import device_table


def gathered(world: World, product: Product) -> Gathered:
    offer = open_product(product, world.day.date, world.at)
    assert offer is not None
    return gather(
        portfolio=world.portfolio, day=world.day, products=[offer], asks={}, ask_lot_kw=1.0, ask_min_kw=1.0,
        known_at=world.at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "barred_kinds"),
    [
        ({"eligible_kinds": ["BATTERY"]}, {"HEAT_PUMP"}),
        ({"max_device_kw": 4.0}, {"BATTERY"}),
        ({"min_device_kw": 4.0}, {"HEAT_PUMP"}),
        ({}, set()),
    ],
)
def test_devices_that_a_market_does_not_admit_stand_in_groups_of_their_own(world: World, rule, barred_kinds):
    Device.objects.filter(kind="HEAT_PUMP").update(max_consumption_kw=3.0)
    Product.objects.filter(pk=world.reserve.pk).update(**rule)
    world.reserve.refresh_from_db()
    problem = gathered(world, world.reserve).problem
    (reserve,) = problem.reserves
    kind_of = dict(Device.objects.values_list("pk", "kind"))
    barred = {kind_of[pk] for group in problem.groups if group.name in reserve.barred for pk in group.device_ids}
    free = {kind_of[pk] for group in problem.groups if group.name not in reserve.barred for pk in group.device_ids}
    assert barred == barred_kinds and not barred & free and free


def test_a_fleet_in_two_places_is_not_offered_where_one_is_wanted(world: World):
    assert gathered(world, world.reserve).problem.reserves[0].most_kw > 0
    Market.objects.filter(pk=world.reserve.market_id).update(locational_rule=Market.Location.FEEDER)
    world.reserve.refresh_from_db()
    elsewhere = make_congestion_point().feeder
    device = Device.objects.filter(enrollments__portfolio=world.portfolio).first()
    assert device is not None
    type(device.site).objects.filter(pk=device.site_id).update(feeder_code=elsewhere.code)
    found = gathered(world, world.reserve)
    assert found.problem.reserves[0].most_kw == 0.0
    assert any("behind one feeder" in note and "2 places" in note for note in found.notes)


def test_a_pricing_node_is_the_substation_of_the_feeder(world: World):
    feeder, other = world.point.feeder, make_congestion_point().feeder
    market = Market(locational_rule=Market.Location.NODE)
    assert misplaced(market, [feeder.code, feeder.code]) == ""
    assert "2 places" in misplaced(market, [feeder.code, other.code])
    type(other).objects.filter(pk=other.pk).update(substation=feeder.substation)
    assert misplaced(market, [feeder.code, other.code]) == ""
    assert "not known" in misplaced(market, [feeder.code, ""])


def test_a_market_without_rules_bars_nobody(world: World):
    table = device_table(at=world.at, portfolio_id=world.portfolio.pk)
    found = admission(table, [world.reserve, world.energy])
    assert set(found.classes(table.device_id)) == {""} and not found.barred_codes


def test_who_wants_longer_notice_than_a_reserve_gives_does_not_hold_it(world: World):
    for device in Device.objects.filter(kind="HEAT_PUMP"):
        make_terms(device, notice_minutes=30, max_events_per_day=2)
    for minutes, barred in ((15, True), (30, False)):
        Product.objects.filter(pk=world.reserve.pk).update(full_activation_minutes=minutes)
        world.reserve.refresh_from_db()
        problem = gathered(world, world.reserve).problem
        (pumps,) = [group for group in problem.groups if "HEAT_PUMP" in group.name]
        assert (pumps.name in problem.reserves[0].barred) is barred and pumps.max_starts == 2.0
        assert "2 starts 30 min notice" in pumps.name


def test_a_market_that_pays_reduction_only_is_sold_to_and_not_bought_from(world: World):
    Product.objects.filter(pk=world.energy.pk).update(consumption_only=True)
    world.energy.refresh_from_db()
    problem = gathered(world, world.energy).problem
    assert problem.energy is not None and problem.energy.sell_only
    lp, made = build(problem)
    assert made.buy is not None and made.sell is not None
    assert {lots.upBound for lots in made.buy.lots} == {0} and max(lots.upBound for lots in made.sell.lots) > 0
    assert lp.numVariables() > 0


def test_a_stored_residual_demand_curve_holds_sales_back(world: World):
    """The evening's price falls by 30 above 100 kW: no evening hour sells more, though the fleet could."""
    from bidding.kernels.co_optimise import co_optimise
    from bidding.kernels.solver import SolverOptions

    options = SolverOptions(time_limit_s=30, node_limit=20)
    free = co_optimise(gathered(world, world.energy).problem, options, gap_target=0.2)
    Product.objects.filter(pk=world.energy.pk).update(residual_demand=[[100.0, 0.0], [5000.0, -30.0]])
    world.energy.refresh_from_db()
    problem = gathered(world, world.energy).problem
    assert problem.energy is not None and problem.energy.stairs == ((100.0, 0.0), (5000.0, -30.0))
    held = co_optimise(problem, options, gap_target=0.2)
    assert free.sell_kw.max() > 100.0 >= held.sell_kw.max() > 0.0


def test_nothing_new_is_promised_within_the_notice(world: World):
    """Seen five minutes into the 41st quarter hour, with half an hour's notice: from the 44th on."""
    for device in Device.objects.filter(kind="HEAT_PUMP"):
        make_terms(device, notice_minutes=30)
    world.at = world.day.starts()[40] + timedelta(minutes=5)
    problem = gathered(world, world.reserve).problem
    (pumps,) = [group for group in problem.groups if "HEAT_PUMP" in group.name]
    assert not pumps.up_limit_kw[:43].any() and pumps.up_limit_kw[43:].all()
    (storage,) = [group for group in problem.groups if "BATTERY" in group.name]
    assert storage.up_limit_kw[41:].all() and not storage.up_limit_kw[:41].any()  # nor of what is past
