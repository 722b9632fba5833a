"""A zone with known prices has scenarios of load, generation and price on the same days, and its bidder reads them."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from bidding.models import Price, Product
from bidding.wholesale.queries import open_product, zone_prices
from forecasting import queries
from forecasting.models import PriceForecast
from forecasting.operations import run_forecast
from forecasting.price_source import PriceHistory
from tests.apps.bidding.world import import_demo_markets
from tests.apps.forecasting.conftest import DAY, ISSUE


@pytest.fixture(autouse=True)
def _small_price_models(monkeypatch) -> None:
    monkeypatch.setattr("forecasting.kernels.price_models.ROUNDS", 20)


def prices(zone_code: str, start: datetime, end: datetime, known_at: datetime) -> PriceHistory | None:
    """Ten weeks of hourly prices until the delivery day."""
    first, last = np.datetime64("2016-05-04T22:00:00"), np.datetime64("2016-07-13T22:00:00")
    starts = np.arange(first, last, np.timedelta64(1, "h"))
    wave = 40 + 10 * np.sin(np.arange(len(starts)) / 24 * 2 * np.pi)
    return PriceHistory(starts, wave + np.random.default_rng(0).normal(0, 3, len(starts)), 60)


def energy_product() -> Product:
    import_demo_markets(ISSUE - timedelta(days=10))
    return Product.objects.in_zone("DE").select_related("market").get(kind=Product.Kind.ENERGY)


def test_scenarios_hold_prices_of_their_own_days(zone, monkeypatch):
    monkeypatch.setattr("forecasting.price_source._sources", [prices])
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    found = queries.scenarios(run)
    assert found.price_eur_per_mwh is not None and found.price_eur_per_mwh.shape == found.power_kw.shape == (10, 96)
    assert len(found.days) == 10 and all(DAY - timedelta(days=32) < day < DAY for day in found.days)
    assert 20 < found.price_eur_per_mwh.mean() < 60
    row = PriceForecast.objects.get()
    assert (row.zone_code, row.delivery_date, row.issue_time) == ("DE", DAY, ISSUE)
    assert (np.diff(row.deciles_eur_per_mwh.reshape(96, 9), axis=1) >= 0).all()
    drawn = queries.price_scenarios("DE", DAY, ISSUE)
    assert drawn is not None and drawn.shape == (20, 96)
    assert queries.price_scenarios("DE", DAY, ISSUE - timedelta(seconds=1)) is None


def test_a_zone_without_prices_has_scenarios_without_them(zone):
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    assert queries.scenarios(run).price_eur_per_mwh is None
    assert queries.price_scenarios("DE", DAY, ISSUE) is None


def test_the_bidder_takes_the_forecast_until_the_prices_are_published(db):
    product = energy_product()
    paths = np.add.outer(np.arange(20.0), np.repeat(np.arange(24.0), 4))
    PriceForecast.objects.create(
        zone_code=product.market.zone_code, delivery_date=DAY, version=1, issue_time=ISSUE,
        deciles_eur_per_mwh=np.zeros(96 * 9), paths_eur_per_mwh=paths, size=20,
    )  # fmt: skip
    offer = open_product(product, DAY, ISSUE)
    assert offer is not None and offer.note == "price forecast"
    assert offer.scenarios.shape == (20, len(offer.price))
    assert offer.price == pytest.approx(offer.scenarios.mean(axis=0))
    earlier = open_product(product, DAY, ISSUE - timedelta(hours=1))
    assert earlier is None or earlier.note != "price forecast"


def test_the_zones_prices_are_those_of_its_energy_product_as_known_then(db):
    product = energy_product()
    zone_code = product.market.zone_code
    for price, known in ((30.0, ISSUE), (31.0, ISSUE + timedelta(hours=1))):
        Price.objects.create(product=product, interval_start=ISSUE, price=price, source="x", available_at=known)
    window = (ISSUE - timedelta(days=1), ISSUE + timedelta(days=1))
    answers = [zone_prices(zone_code, *window, ISSUE + timedelta(hours=hours)) for hours in (0, 2)]
    assert [one.price_eur_per_mwh.tolist() for one in answers if one] == [[30.0], [31.0]]
    assert zone_prices("nowhere", *window, ISSUE) is None
