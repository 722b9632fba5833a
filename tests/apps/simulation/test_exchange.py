"""The simulated exchange and utility over HTTP, on the service's own markets and asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from bidding import operations as bidding
from bidding.models import Activation, Award, Bid, Price, Product
from bidding.operations.drafts import BidDraft
from tests.factories import make_portfolio
from vpp.accounts.models import Participant
from vpp.accounts.operations import create_client
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay
from vpp.simulation.client import Client
from vpp.simulation.market_runner import MarketRunner
from vpp.simulation.orders import block_of_interval
from vpp.simulation.price_files import PriceSeries

pytestmark = pytest.mark.django_db(transaction=True)

DAY = DeliveryDay(date(2016, 7, 14), "Europe/Berlin")
MARKETS = Path(__file__).resolve().parents[3] / "bidding" / "data" / "demo_markets.json"


def flat_prices(price: float) -> PriceSeries:
    return PriceSeries(DAY.starts64(), np.full(DAY.n_intervals, price), "test prices")


def make_bid(portfolio, code: str, *, up: float = 0.0, down: float = 0.0, limit: float) -> Bid:
    product = Product.objects.get(code=code)
    blocks = block_of_interval(DAY, product.block_minutes)
    up_kw, down_kw = np.where(blocks == 2, up, 0.0), np.where(blocks == 2, down, 0.0)
    at = DAY.start - timedelta(hours=14)
    n = DAY.n_intervals
    room_kw = np.full(n, 900.0)
    bidding.open_book(portfolio_id=portfolio.pk, day=DAY, up_kw=room_kw, down_kw=room_kw)
    draft = BidDraft(portfolio, product, DAY, up_kw.tolist(), down_kw.tolist(), [limit] * n)
    return bidding.submit_bid(bidding.create_bid(draft, at=at), at=at)


@pytest.fixture
def exchange(live_server) -> Iterator[MarketRunner]:
    at = DAY.start - timedelta(hours=15)
    bidding.import_markets(json.loads(MARKETS.read_text()), at=at)
    operator = Participant.objects.get(code="market.de")
    _, token = create_client(participant=operator, name="exchange", scopes=("awards:write", "read"), at=at)
    clock.set_simulated(DAY.start - timedelta(hours=11))
    with Client(live_server.url, token) as client:
        yield MarketRunner(client)


def test_bids_at_the_limit_clear_at_the_market_price_and_dear_ones_do_not(exchange: MarketRunner) -> None:
    cheap = make_bid(make_portfolio(), "ENERGY-60", up=200.0, limit=-500.0)
    dear = make_bid(make_portfolio(), "ENERGY-60", up=100.0, limit=400.0)
    reserve = make_bid(make_portfolio(), "RESERVE-UP-4H", up=100.0, limit=0.0)
    cleared = exchange.clear_day(DAY.date, flat_prices(30.0), reserve_price=8.0, seed=1)
    assert [(one.product, one.awarded, one.not_cleared) for one in cleared] == [
        ("ENERGY-60", 1, 1),
        ("RESERVE-UP-4H", 1, 0),
    ]
    award = Award.objects.get(bid=cheap)
    assert award.up_kw == cheap.up_kw and award.price_per_mwh[8] == pytest.approx(30.0, abs=0.5)
    assert not Award.objects.filter(bid=dear).exists()
    assert Award.objects.get(bid=reserve).price_per_mwh[32] >= 8.0
    assert Price.objects.filter(product__code="ENERGY-60").count() == 24
    assert exchange.clear_day(DAY.date, flat_prices(30.0), reserve_price=8.0, seed=1) == []


def test_reserves_are_called_in_awarded_intervals_and_only_once(exchange: MarketRunner) -> None:
    make_bid(make_portfolio(), "RESERVE-UP-4H", up=100.0, limit=0.0)
    exchange.clear_day(DAY.date, flat_prices(30.0), reserve_price=8.0, seed=1)
    calls = exchange.calls_of_day(DAY.date, seed=3)
    assert calls == exchange.calls_of_day(DAY.date, seed=3)
    assert len(calls) == 2 and all(32 <= call.index < 48 for call in calls)
    for _ in range(2):
        assert exchange.call(calls, DAY, calls[0].index) == [calls[0]]
    assert Activation.objects.get().activated_pu == calls[0].activated_pu
