"""Awards are paid by the dated terms of their product or contract; a restatement keeps the terms it was settled with."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from bidding.models import Award, Market, Price, Product
from tests.apps.settlement.makers import (
    SUMMER,
    after,
    at_intervals,
    make_ask,
    make_award,
    make_bid,
    make_plan,
    make_product,
    meter,
    utility,
)
from tests.apps.settlement.test_settle_day import EVENING, settle, sold_evening
from tests.factories import ZONE, make_contract, make_device, make_portfolio
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay
from vpp.settlement import operations, queries
from vpp.settlement.models import ComponentInput, ComponentRule, Performance, ProductTerms, SettlementRun
from vpp.settlement.queries.terms import named_prices

pytestmark = pytest.mark.django_db
BEFORE = after(SUMMER) - timedelta(days=30)


def add(lines, *, since=date(2016, 1, 1), market="DA", **place) -> ProductTerms:
    return operations.add_terms(market_code=market, lines=lines, valid_from=since, at=BEFORE, **place)


def paid(run: SettlementRun) -> dict[str, Decimal]:
    performance = Performance.objects.get(run=run)
    return {name: Decimal(amount) for name, amount in performance.components.items()} | {"penalty": performance.penalty}


def test_the_terms_of_a_product_take_the_place_of_its_kinds_rule_and_are_kept_by_restatements():
    portfolio, award, devices = sold_evening(delivered=(200.0, 100.0))
    add([{"component": "FEE", "per_event": 1}])
    own = add(
        [
            {"component": "TWO_SETTLEMENT", "real_time_price": {"per_mwh": 60}},
            {"component": "UNINSTRUCTED_DEVIATION", "band_kw": 50, "band_pu": 0},
            {"component": "FEE", "per_event": 0.5},
        ],
        product_code=award.bid.product.code,
    )
    run = settle(portfolio)
    # 0.4 MWh x 40; 0.1 MWh short at 60; 50 kWh outside the band at 40
    assert paid(run) == {
        "day_ahead": Decimal("16.00"), "real_time": Decimal("-6.00"), "fee": Decimal("-0.50"), "penalty": Decimal("2.00")
    }  # fmt: skip
    assert run.rules["terms"] == {str(own): own.pk}
    assert set(run.rules["components"]) == {"UNINSTRUCTED_DEVIATION"}
    lines = Performance.objects.get(run=run).explanation["lines"]
    assert [line["category"] for line in lines] == ["energy", "energy", "penalty", "fee"]
    add([{"component": "FEE", "per_event": 9}], product_code=award.bid.product.code)
    ComponentRule.objects.create(kind="UNINSTRUCTED_DEVIATION", version=9, valid_from=SUMMER, parameters={"factor": 3})
    power = at_intervals(dict.fromkeys(EVENING, -300.0))
    meter(devices[0], SUMMER, power, at=after(SUMMER) + timedelta(hours=1), correction=True)
    (again,) = operations.restate_changed(at=after(SUMMER) + timedelta(hours=2))
    assert paid(again) == {
        "day_ahead": Decimal("16.00"), "real_time": Decimal("0.00"), "fee": Decimal("-0.50"), "penalty": Decimal("0.00")
    }  # fmt: skip
    for one in (run, again):
        assert operations.verify_run(one) == one.checksum
    assert not any(queries.trial_balance().values())


def publish(product: Product, start: datetime, price: float) -> None:
    Price.objects.create(product=product, interval_start=start, price=price, source="test", available_at=BEFORE)


def test_a_price_of_a_product_holds_for_its_whole_block_whatever_the_markets_time_unit():
    portfolio, _, _ = sold_evening(delivered=(200.0, 100.0))
    hourly = make_product(code="RT")
    Market.objects.filter(code="DA").update(mtu_minutes=15)
    publish(hourly, DeliveryDay(SUMMER, ZONE).starts()[EVENING[0]], 60.0)
    add([{"component": "TWO_SETTLEMENT", "real_time_price": "DA/RT"}])
    run = settle(portfolio)
    assert run.findings == [] and paid(run)["real_time"] == Decimal("-6.00")  # 0.1 MWh short at 60


@pytest.mark.parametrize(("day", "first_block"), [(date(2016, 3, 27), 12), (SUMMER, 16), (date(2016, 10, 30), 20)])
def test_the_price_of_four_hours_holds_for_three_or_five_on_clock_change_days(day: date, first_block: int):
    reserve = make_product(kind="RESERVE_UP", code="R4")
    Product.objects.filter(pk=reserve.pk).update(block_minutes=240)
    delivery = DeliveryDay(day, ZONE)
    publish(reserve, delivery.start, 7.0)
    prices = named_prices("DA/R4", delivery, delivery.end + timedelta(days=365))
    assert prices == [Decimal("7.000000")] * first_block + [None] * (delivery.n_intervals - first_block)


def test_a_contracts_terms_go_before_its_markets():
    battery = make_device(max_production_kw=200.0)
    make_contract(battery.site.owner)
    portfolio = make_portfolio(devices=[battery])
    dso = utility()
    ask = make_ask(dso, up=dict.fromkeys(EVENING, 100.0), contract_id="C-7")
    make_award(portfolio, kind="ASK", up=dict.fromkeys(EVENING, 100.0), price=200.0, ask=ask)
    make_plan(portfolio, {battery: {72: -100.0}})
    meter(battery, SUMMER, at_intervals(dict.fromkeys(EVENING, -80.0)))
    add([{"component": "UFTP"}], market="DSO")
    add(
        [{"component": "UTILISATION", "band": [[0.0, 0.0], [0.63, 0.0], [0.63, 0.04], [0.95, 1.0]]}],
        market="DSO",
        contract_id="C-7",
    )
    # 80 kWh x 200 = 16.00, and k(0.8) = 0.55
    run = settle(portfolio)
    assert paid(run) == {
        "utilisation": Decimal("16.00"), "utilisation_adjustment": Decimal("-7.20"), "penalty": Decimal("0.00")
    }  # fmt: skip
    assert run.rules["terms"] == {"DSO/C-7 v1": ProductTerms.objects.get(contract_id="C-7").pk}


def test_a_regulation_signal_that_comes_late_is_flagged_and_then_restated(tmp_path):
    portfolio, award, _ = sold_evening()
    file = tmp_path / "terms.json"
    lines = [{"component": "REGULATION_PJM"}]
    file.write_text(json.dumps({"terms": [{"market_code": "DA", "lines": lines, "valid_from": "2016-01-01"}]}))
    clock.set_simulated(after(SUMMER))
    call_command("import_terms", str(file))
    run = settle(portfolio)
    assert (run.revenue, run.state) == (0, "DEGRADED")
    assert run.findings[-1] == {"finding": "terms_incomplete", "award": award.source_reference}
    signal = np.sin(np.arange(60) / 5).tolist()
    data = {"signal": signal, "response": signal}
    row = {"award": award.source_reference, "component": "REGULATION_PJM", "data": data}
    file.write_text(json.dumps({"inputs": [row]}))
    clock.set_simulated(after(SUMMER) + timedelta(hours=1))
    call_command("import_terms", str(file))
    assert operations.restate_changed(at=after(SUMMER) + timedelta(minutes=30)) == []
    (again,) = operations.restate_changed(at=after(SUMMER) + timedelta(hours=2))
    assert again.revenue == Decimal("16.00")  # 0.4 MW x 1 h x score 1 x 40
    assert operations.restate_changed(at=after(SUMMER) + timedelta(hours=3)) == []
    assert operations.verify_run(run) == run.checksum


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([], "a JSON object"),
        ({"terms": [{"market_code": "DA", "lines": [], "valid_from": "2016-01-01"}]}, "terms 1: .*at least one"),
        ({"terms": [{"market_code": "DA", "valid_from": "2016-01-01"}]}, "terms 1"),
        ({"inputs": [{"award": "none", "component": "FEE", "data": {}}]}, "no award 'none'"),
        ({"terms": [{"market_code": "DA", "lines": [{"component": "X"}], "valid_from": "2016"}]}, "terms 1"),
    ],
)
def test_a_terms_file_that_is_wrong_says_where_and_changes_nothing(tmp_path, content, why):
    file = tmp_path / "terms.json"
    file.write_text(json.dumps(content))
    with pytest.raises(CommandError, match=why):
        call_command("import_terms", str(file))
    assert not ProductTerms.objects.exists()


def awarded_as(portfolio, reference: str) -> None:
    bid = make_bid(portfolio, up={72: 1.0})
    Award.objects.create(
        bid=bid, up_kw=bid.up_kw, down_kw=bid.down_kw, price_per_mwh=bid.price_per_mwh, awarded_at=bid.created_at,
        source_reference=reference,
    )  # fmt: skip


def test_an_input_names_its_award_as_the_market_does_and_the_market_too_where_two_have_it(tmp_path):
    portfolio, file = make_portfolio(), tmp_path / "inputs.json"

    def take(name: str) -> None:
        row = {"award": name, "component": "REGULATION_PJM", "data": {"signal": [1.0], "response": [1.0]}}
        file.write_text(json.dumps({"inputs": [row]}))
        call_command("import_terms", str(file))

    awarded_as(portfolio, "[DA] R-1")
    take("R-1")
    awarded_as(portfolio, "[FLEX] R-1")
    for name, told in (("R-1", "more than one award"), ("R-3", "no award")):
        with pytest.raises(CommandError, match=told):
            take(name)
    take("[FLEX] R-1")
    named = ComponentInput.objects.order_by("pk").values_list("award__source_reference", flat=True)
    assert list(named) == ["[DA] R-1", "[FLEX] R-1"]
