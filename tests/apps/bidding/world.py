"""A small zone to bid in: markets, one feeder with a congestion point, one portfolio, its forecast, known prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import bidding
from bidding import operations
from bidding.distribution.operations import AskContent
from bidding.models import Ask, Market, Product
from bidding.operations.drafts import BidDraft
from bidding.wholesale.operations import PriceRow
from forecasting.models import ForecastRun
from tests.factories import (
    make_client,
    make_congestion_point,
    make_device,
    make_device_forecasts,
    make_participant,
    make_portfolio,
    make_site,
)
from vpp.accounts.models import ApiClient, Participant
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint

MARKET_FILE = Path(bidding.__file__).parent / "data" / "demo_markets.json"
ZONE = "Europe/Berlin"
_numbers = count(1)


@dataclass
class World:
    day: DeliveryDay
    at: datetime
    utility: Participant
    point: CongestionPoint
    portfolio: Portfolio
    energy: Product
    reserve: Product
    ask_product: Product

    def ask_content(self, **fields: Any) -> AskContent:
        quantity_kw = [0.0] * self.day.n_intervals
        quantity_kw[72:76] = [40.0] * 4
        defaults: dict[str, Any] = {
            "reference": f"ask-{next(_numbers)}",
            "congestion_point": self.point.code,
            "direction": "UP",
            "delivery_date": self.day.date,
            "interval_minutes": 15,
            "quantity_kw": quantity_kw,
            "ceiling_price_per_mwh": 400.0,
            "gate_at": self.at + timedelta(hours=2),
            "expires_at": self.at + timedelta(hours=6),
        }
        return AskContent(**(defaults | fields))

    def ask(self, **fields: Any) -> Ask:
        content = self.ask_content(**fields)
        return operations.receive_ask(utility=self.utility, content=content, at=self.at, actor="test")[0]

    def draft(
        self, up_kw: float, *, product: Product | None = None, ask: Ask | None = None, version: int = 1
    ) -> BidDraft:
        """A flat upward bid over the whole day."""
        size = self.day.n_intervals
        product = product or self.energy
        return BidDraft(
            self.portfolio, product, self.day, [up_kw] * size, [0.0] * size, [0.0] * size, ask=ask, version=version
        )

    def open_book(self, up_kw: float, down_kw: float = 0.0) -> None:
        size = self.day.n_intervals
        operations.open_book(
            portfolio_id=self.portfolio.pk, day=self.day, up_kw=np.full(size, up_kw), down_kw=np.full(size, down_kw)
        )


def import_demo_markets(at: datetime, *, one_reserve: bool = True) -> None:
    """The demo's markets; by default with its upward reserve only, in lots of 100 kW and without curves."""
    import json

    document = json.loads(MARKET_FILE.read_text())
    if one_reserve:
        for market in document["markets"]:
            market["products"] = [item for item in market["products"] if item["kind"] != "RESERVE_DOWN"]
            for product in market["products"]:
                if product["kind"] != "ASK":
                    product |= {"lot_kw": 100.0, "order_form": "QUANTITY", "max_points": 1}
    operations.import_markets(document, at=at)


def make_fleet(feeder_code: str, *, batteries: int = 40, heat_pumps: int = 10) -> Portfolio:
    devices = []
    owner = make_participant()
    for _ in range(batteries):
        site = make_site(feeder_code=feeder_code, node_code="n1", owner=owner)
        devices.append(make_device(site=site, cost_per_kwh="0.005"))
    for _ in range(heat_pumps):
        site = make_site(feeder_code=feeder_code, node_code="n1", owner=owner)
        devices.append(make_device(kind="HEAT_PUMP", site=site, max_consumption_kw=6.0, controllable=True))
    return make_portfolio(devices=devices, feeder_code=feeder_code)


def make_forecast(portfolio: Portfolio, day: DeliveryDay, at: datetime, *, load_kw: float = 2.0) -> ForecastRun:
    kinds = dict(portfolio.enrollments.values_list("device_id", "device__kind"))
    mean_kw = {device_id: load_kw if kind == "HEAT_PUMP" else 0.0 for device_id, kind in kinds.items()}
    return make_device_forecasts(portfolio, day, mean_kw, issued_at=at)


def post_price_history(product: Product, day: DeliveryDay, at: datetime, *, days: int = 7) -> None:
    """Hourly prices of the days before, cheap at night and dear in the evening."""
    rows = []
    for back in range(1, days + 1):
        past = DeliveryDay(day.date - timedelta(days=back), day.zone, 60)
        rows += [
            PriceRow(start, 35.0 + 25.0 * np.sin((hour - 12) / 24 * 2 * np.pi))
            for hour, start in enumerate(past.starts())
        ]
    operations.post_prices(market=product.market, product_code=product.code, rows=rows, source="test", available_at=at)


def make_world(delivery_date: date, at: datetime, **fleet: Any) -> World:
    import_demo_markets(at)
    point = make_congestion_point()
    day = DeliveryDay(delivery_date, ZONE)
    portfolio = make_fleet(point.feeder.code, **fleet)
    make_forecast(portfolio, day, at - timedelta(hours=1))
    energy = Product.objects.select_related("market").get(code="ENERGY-60")
    post_price_history(energy, day, at - timedelta(hours=2))
    return World(
        day=day,
        at=at,
        utility=point.utility,
        point=point,
        portfolio=portfolio,
        energy=energy,
        reserve=Product.objects.select_related("market").get(code="RESERVE-UP-4H"),
        ask_product=Product.objects.select_related("market").get(code="ASK"),
    )


def client_of(participant: Participant, *scopes: str) -> tuple[ApiClient, dict[str, str]]:
    from vpp.accounts import operations as accounts

    at = datetime.fromisoformat("2016-01-01T00:00:00+00:00")
    client, token = accounts.create_client(participant=participant, name=f"c{next(_numbers)}", scopes=scopes, at=at)
    return client, {"Authorization": f"Bearer {token}"}


def aggregator_headers(*scopes: str) -> dict[str, str]:
    _, token = make_client(kind=Participant.Kind.AGGREGATOR, scopes=scopes or ("read",))
    return {"Authorization": f"Bearer {token}"}


def market_operator() -> Participant:
    return Market.objects.get(code="DAY-AHEAD-DE").operator  # type: ignore[return-value]
