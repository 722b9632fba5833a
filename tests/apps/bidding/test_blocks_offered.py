"""Block orders from the nightly run to the award: an exclusive group is offered, cleared whole, and entered whole."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from bidding import operations, queries
from bidding.errors import AwardExceedsBid, BadPrice
from bidding.kernels.block_check import runs_of
from bidding.models import Award, Bid, PlannedDay, Product
from bidding.operations import BidChange
from bidding.wholesale.operations import AwardRow
from tests.apps.bidding.world import aggregator_headers, client_of, market_operator
from vpp.lib import clock
from vpp.simulation.market_runner import MarketRunner
from vpp.simulation.price_files import PriceSeries

pytestmark = pytest.mark.django_db


@pytest.fixture
def blocky(world):
    Product.objects.filter(pk=world.energy.pk).update(
        order_form="BLOCKS", max_points=3, loop_blocks=True, max_quantity_kw=300.0
    )
    world.energy.refresh_from_db()
    Product.objects.filter(pk=world.reserve.pk).update(reference_price=1.0)
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    clock.set_simulated(world.at)
    return world


def group_of(world) -> Bid:
    return Bid.objects.get(product=world.energy, state__in=Bid.LIVE_STATES)


def test_the_night_offers_a_group_within_the_products_limits(blocky):
    bid = group_of(blocky)
    assert 1 <= len(bid.blocks) <= 3 and bid.state == Bid.State.SUBMITTED and bid.curve is None
    for block in bid.blocks:
        assert max(block["up_kw"] + block["down_kw"]) <= 300.0
        assert runs_of(block["up_kw"]) <= 1 and runs_of(block["down_kw"]) <= 1
        assert all(kw % 100 == 0 for kw in block["up_kw"] + block["down_kw"])
    assert any("buy_price_per_mwh" in block for block in bid.blocks)
    assert bid.up_kw == [max(column) for column in zip(*(block["up_kw"] for block in bid.blocks), strict=True)]
    planned = PlannedDay.objects.get()
    assert planned.expected_profit > 0 and not any(planned.positions["sell_kw"])
    assert queries.book_check(blocky.day.date) == []


def test_an_award_is_one_block_and_nothing_else(blocky):
    bid, zero = group_of(blocky), [0.0] * 96

    def award(up_kw, down_kw):
        row = AwardRow(bid.pk, "R", up_kw, down_kw, [45.0] * 96)
        return operations.post_awards(market=blocky.energy.market, rows=[row], at=blocky.at, actor="m")

    block = bid.blocks[0]
    half = [kw / 2 for kw in block["up_kw"]]
    with pytest.raises(AwardExceedsBid, match="all or none"):
        award(half, zero if any(half) else [kw / 2 for kw in block["down_kw"]])
    award(block["up_kw"], block["down_kw"])
    assert Award.objects.get().up_kw == block["up_kw"] and queries.book_check(blocky.day.date) == []


def test_the_simulated_market_takes_at_most_one_whole_block(blocky, live_client):
    prices = PriceSeries(blocky.day.starts64(), np.repeat([20.0, 45.0, 90.0], 32), "test")
    cleared = MarketRunner(live_client).clear_day(blocky.day.date, prices, reserve_price=5.0, seed=1)
    assert [one.product for one in cleared][0] == "ENERGY-60"
    bid = Bid.objects.get(product=blocky.energy)
    assert bid.state == Bid.State.CLEARED
    assert [bid.award.up_kw, bid.award.down_kw] in [[one["up_kw"], one["down_kw"]] for one in bid.blocks]
    assert queries.book_check(blocky.day.date) == []


def test_a_trader_edits_a_group_over_http_and_bad_ones_are_named(blocky, client):
    bid = group_of(blocky)
    zero = [0.0] * 96
    sale = {"name": "evening", "price_per_mwh": 61.5, "up_kw": [0.0] * 72 + [100.0] * 8 + [0.0] * 16, "down_kw": zero}
    headers = aggregator_headers("read", "bids:write")

    def post(blocks, key):
        return client.post(
            f"/api/v1/bids/{group_of(blocky).pk}/edit", {"blocks": blocks, "reason": "our view"},
            content_type="application/json", headers=headers | {"Idempotency-Key": key},
        )  # fmt: skip

    bad = [
        [sale, sale],
        [sale | {"up_kw": [100.0] * 4 + [0.0] * 8 + [100.0] * 4 + [0.0] * 80}],
        [sale | {"price_per_mwh": 61.555}],
        [sale | {"down_kw": [100.0] * 4 + [0.0] * 92}],
        [sale | {"up_kw": [100.0] * 2 + [0.0] * 94}],
    ]
    for number, blocks in enumerate(bad):
        answer = post(blocks, f"b{number}")
        assert answer.status_code == 422 and answer.json()["code"] in ("bad_price", "below_minimum"), (
            number,
            answer.content,
        )
    answer = post([sale], "good")
    assert answer.status_code == 200 and answer.json()["blocks"] == [sale], answer.content
    bid.refresh_from_db()
    assert bid.state == Bid.State.WITHDRAWN and group_of(blocky).up_kw == sale["up_kw"]
    with pytest.raises(BadPrice, match="blocks and nothing else"):
        operations.edit_bid(
            bid=group_of(blocky), change=BidChange(up_kw=sale["up_kw"]), at=blocky.at, actor="t", reason="x"
        )


def test_groups_go_out_by_file_and_a_block_comes_back_whole(blocky, tmp_path):
    bid, market = group_of(blocky), blocky.energy.market.code
    out, back = tmp_path / "bids.csv", tmp_path / "awards.csv"
    call_command("market_files", "bids", str(out), "--market", market, "--date", str(blocky.day.date))
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["block"] for row in rows} == {block["name"] for block in bid.blocks}
    row = rows[0]
    head = "bid,reference,delivery_start,delivery_end,side,quantity_mw,price,block"
    day = f"{blocky.day.start.isoformat()},{blocky.day.end.isoformat()}"
    back.write_text(f"{head}\n{bid.natural_key},R1,{day},{row['side']},7.7,50.0,{row['block']}\n")
    with pytest.raises(CommandError, match="unknown_block"):
        call_command("market_files", "awards", str(back), "--market", market)
    taken = f"{bid.natural_key},R1,{day},{row['side']},{row['quantity_mw']},50.0"
    back.write_text(f"{head}\n{taken},{row['block']}\n{taken.replace('SELL', 'BUY')},other\n")
    with pytest.raises(CommandError, match="one block may be taken"):
        call_command("market_files", "awards", str(back), "--market", market)
    back.write_text(f"{head}\n{taken},{row['block']}\n")
    call_command("market_files", "awards", str(back), "--market", market)
    block = next(one for one in bid.blocks if one["name"] == row["block"])
    assert [Award.objects.get().up_kw, Award.objects.get().down_kw] == [block["up_kw"], block["down_kw"]]


def test_a_zone_that_takes_both_forms_sells_its_energy_once(world):
    fields = {
        field.name: getattr(world.energy, field.name) for field in Product._meta.concrete_fields if field.name != "id"
    }
    Product.objects.create(**(fields | {"code": "ZZ-BLOCKS", "order_form": "BLOCKS", "max_points": 4}))
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    energy = Bid.objects.filter(product__kind="ENERGY")
    assert energy.count() == 1 and queries.book_check(world.day.date) == []


@pytest.fixture
def live_client(client):
    """The simulated market's client, over Django's test client."""

    class Local:
        def __init__(self, headers):
            self.headers = headers

        def get_all(self, path, params=None):
            answer = client.get(path, params, headers=self.headers).json()
            assert isinstance(answer, list) or answer["next"] is None
            return answer if isinstance(answer, list) else answer["results"]

        def post(self, path, body):
            answer = client.post(path, body, content_type="application/json", headers=self.headers)
            assert answer.status_code < 300, answer.content
            return answer.json()

    return Local(client_of(market_operator(), "read", "awards:write")[1])
