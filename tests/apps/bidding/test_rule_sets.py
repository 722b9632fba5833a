"""The shipped rule sets are whole: every market is there, every fact says where it comes from, gates exist all year."""

from __future__ import annotations

import json
from datetime import date, time, timedelta
from pathlib import Path

import pytest

import bidding
from bidding import operations
from bidding.errors import BadMarketFile
from bidding.kernels.gate import gate_closure, holiday_dates
from bidding.models import Market, Product
from bidding.operations.drafts import day_of, gate_of
from bidding.wholesale.market_file import read_market_file

RULES = json.loads((Path(bidding.__file__).parent / "data" / "market_rules.json").read_text())
WANTED = {
    "CAISO-DA": {"DA-ENERGY", "DA-ENERGY-PDR", "REG-UP", "REG-DOWN", "SPIN", "NON-SPIN"},
    "ISO-NE-DA": {"DA-ENERGY", "DA-10-SPIN", "DA-30-OPER"}, "PJM-DA": {"DA-ENERGY", "REG-UP", "REG-DOWN", "SYNC-RESERVE"},
    "NYISO-DA": {"DA-ENERGY", "DA-10-SPIN", "DA-REG"}, "ERCOT-DA": {"DA-ENERGY", "NON-SPIN", "ECRS"},
    "SDAC-DE-EPEX": {"DA-15", "DA-BLOCKS"}, "SDAC-SE3-NORDPOOL": {"DA-15", "DA-BLOCKS"}, "FCR-COOPERATION": {"FCR"},
    "AFRR-DE": {"AFRR-UP", "AFRR-DOWN"}, "MFRR-DE": {"MFRR-UP", "MFRR-DOWN"},
}  # fmt: skip


def test_every_market_and_product_is_shipped_with_its_sources():
    markets = {market["code"]: market for market in RULES["markets"]}
    for code, products in WANTED.items():
        assert products <= {product["code"] for product in markets[code]["products"]}
    for market in markets.values():
        for owner in (market, *market["products"]):
            assert owner["facts"], owner["code"]
            for name, fact in owner["facts"].items():
                assert fact["status"] in ("read", "recalled") and fact["source"]
                assert name in owner, f"{owner['code']}: {name} is no field of it"
            told = {"code", "name", "kind", "zone_code", "operator", "facts", "source", "products"}
            assert owner.keys() - told <= owner["facts"].keys(), owner["code"]


def test_sizes_and_forms_agree():
    for market in read_market_file(RULES):
        for product in market["products"]:
            place = f"{market['code']}/{product['code']}"
            lots = product["min_quantity_kw"] / product["lot_kw"]
            assert lots == round(lots) and lots >= 1, place
            assert product["price_floor"] < product["price_cap"], place
            assert product.get("max_quantity_kw") is None or product["max_quantity_kw"] >= product["min_quantity_kw"]
            assert (product.get("max_points", 1) > 1) == (product.get("order_form", "QUANTITY") != "QUANTITY"), place
            if product["kind"] != "ENERGY":
                assert product["endurance_minutes"] > 0, place
                assert "full_activation_minutes" in product, place


@pytest.mark.django_db
def test_they_import_and_every_day_has_a_gate(at):
    markets, products = operations.import_markets(RULES, at=at)
    assert markets == Market.objects.count() and products == Product.objects.count()
    for product in Product.objects.select_related("market"):
        for day in (date(2028, 3, 12), date(2028, 3, 26), date(2028, 10, 29), date(2028, 12, 26)):
            gate = gate_of(product, day_of(product, day))
            assert gate < day_of(product, day).start


@pytest.mark.parametrize("steps", [[[100, 0], [50, -1]], [[100, 1]], [[100, -2], [200, -1]], [], [[1, 2, 3]]])
def test_a_residual_demand_that_is_no_falling_staircase_is_refused(steps):
    market = RULES["markets"][0]
    product = market["products"][0]
    good = market | {"products": [product | {"residual_demand": [[500, 0], [2000, -3.5]]}]}
    assert read_market_file({"markets": [good]})[0]["products"][0]["residual_demand"] == [[500.0, 0.0], [2000.0, -3.5]]
    bad = market | {"products": [product | {"residual_demand": steps}]}
    with pytest.raises(BadMarketFile, match="residual_demand"):
        read_market_file({"markets": [bad]})


@pytest.mark.parametrize("broken", [{"facts": {"lot": {"status": "guessed", "source": "x"}}}, {"gate_calendar": "XX"}])
def test_a_fact_without_standing_or_an_unknown_calendar_is_refused(broken):
    market = RULES["markets"][0] | broken
    with pytest.raises(BadMarketFile):
        read_market_file({"markets": [market]})


def test_gates_on_working_days_move_before_weekends_holidays_and_clock_changes():
    def gate(day, **fields):
        return gate_closure(day, 1, time(12), "Europe/Berlin", **fields)

    monday = date(2026, 3, 30)  # the clocks change on the Sunday before
    assert gate(monday).hour == 10 and gate(monday, working_days="DE").date() == date(2026, 3, 27)
    assert gate(monday, working_days="DE").hour == 11
    after_easter = date(2026, 4, 7)
    assert gate(after_easter, working_days="DE").date() == date(2026, 4, 2)
    assert gate(after_easter, working_days="").date() == after_easter - timedelta(days=1)
    assert date(2026, 5, 1) in holiday_dates("DE", 2026) and not holiday_dates("", 2026)
