"""The open offers under one contract together stay within its energy, whatever of them is ordered."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

from bidding import operations
from bidding.distribution.answering import answer_feeder
from bidding.distribution.contract_use import check_offer, offerable_kwh
from bidding.distribution.kept_back import kept_back
from bidding.errors import BadReservation, SoldTwice
from bidding.models import Ask, Award, Bid, FlexContract, PlannedDay
from bidding.operations.positions import _ask_draft
from tests.apps.bidding.world import World


def make_contract(world: World, energy_limit_kwh: float) -> FlexContract:
    return FlexContract.objects.create(
        contract_id="C", utility=world.utility, congestion_point=world.point, direction="UP", power_kw=60.0,
        price_per_mwh=100.0, first_date=date(2016, 1, 1), energy_limit_kwh=energy_limit_kwh,
    )  # fmt: skip


def ask_at(world: World, contract: FlexContract, first: int, kw: float = 20.0) -> None:
    world.ask(contract=contract, quantity_kw=[0.0] * first + [kw] * 4 + [0.0] * (92 - first))


def offered_kwh() -> list[float]:
    return [sum(bid.up_kw) / 4 for bid in Bid.objects.order_by("ask__pk")]


def test_asks_that_are_open_together_share_the_contracts_energy(world: World):
    contract = make_contract(world, 50.0)
    for first in (40, 60, 80):  # 20 kWh each
        ask_at(world, contract, first)
    answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at)
    assert offered_kwh() == [20.0, 20.0, 10.0]
    assert offerable_kwh(contract, world.day) == 0.0
    for bid in Bid.objects.all():
        operations.accept_bid(bid=bid, at=world.at, actor="t")
    assert sum(sum(award.up_kw) for award in Award.objects.all()) / 4 == 50.0


def test_an_offer_on_the_way_counts_and_an_order_beyond_the_energy_is_refused(world: World):
    contract = make_contract(world, 30.0)
    ask_at(world, contract, 40)
    answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at)
    ask_at(world, contract, 60)
    answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at)
    assert offered_kwh() == [20.0, 10.0]
    first, second = Bid.objects.order_by("pk")
    other = world.draft(1.0, product=world.ask_product, ask=second.ask, version=9)
    with pytest.raises(SoldTwice):
        check_offer(other)
    FlexContract.objects.update(energy_limit_kwh=25.0)  # as if 5 kWh had been ordered directly meanwhile
    operations.accept_bid(bid=first, at=world.at, actor="t")
    with pytest.raises(BadReservation):
        operations.accept_bid(bid=second, at=world.at, actor="t")
    assert Award.objects.count() == 1


def test_what_an_ask_has_been_offered_is_taken_from_the_contract_once(world: World):
    contract = make_contract(world, 1000.0)
    ask_at(world, contract, 40)
    answer_feeder(feeder_code=world.point.feeder.code, delivery_date=world.day.date, at=world.at)
    feeders, asks = [world.point.feeder.code], list(Ask.objects.all())
    for counted in (asks, []):
        (kept,) = kept_back(world.portfolio, feeders, world.day, world.at, counted)
        assert kept.power_kw[40:44].tolist() == [40.0] * 4 and kept.power_kw[44] == 60.0


def test_at_night_an_ask_under_a_contract_is_answered_at_the_agreed_price(world: World):
    ask = world.ask(contract=make_contract(world, 1000.0))
    key = str(ask.pk)
    planned = PlannedDay(portfolio=world.portfolio, positions={"ask_price": {key: 1.0}})
    context = SimpleNamespace(day=world.day, run=None)
    draft = _ask_draft(context, planned, world.ask_product, key, list(ask.quantity_kw))  # type: ignore[arg-type]
    assert set(draft.price_per_mwh) == {ask.ceiling_price_per_mwh}
