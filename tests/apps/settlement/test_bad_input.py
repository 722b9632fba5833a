"""Input that is wrong in the ways that happen: each has one stated outcome."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from bidding.models import Market
from tests.apps.settlement.makers import SUMMER, after, at_intervals, make_award, make_price, make_product, meter
from tests.apps.settlement.test_settle_day import EVENING, settle, sold_evening, two_owners
from tests.factories import make_portfolio
from vpp.enrollment.models import Contract
from vpp.lib.periods import DeliveryDay
from vpp.settlement import operations, queries
from vpp.settlement.models import Payout, Performance, SettlementRun

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_a_reading_corrected_twice_counts_with_its_last_value_and_the_difference_is_posted_once():
    portfolio, _, devices = sold_evening()
    settle(portfolio)
    for hours, power in ((1, -10.0), (2, -250.0)):
        at = after(SUMMER) + timedelta(hours=hours)
        meter(devices[0], SUMMER, at_intervals(dict.fromkeys(EVENING, power)), at=at, correction=True)
    (run,) = operations.restate_changed(at=after(SUMMER) + timedelta(hours=3))
    assert run.version == 2
    # 350 of 400 kWh: 16.00 - 50 kWh x 50 EUR/MWh = 13.50; 250 : 100 is 9.64 and 3.86 (half a cent by remainder)
    assert run.revenue == Decimal("13.50")
    first = Payout.objects.get(run=run, owner=devices[0].site.owner)
    assert (first.gross, first.total, first.amount) == (Decimal("9.64"), Decimal("6.75"), Decimal("-1.65"))
    assert operations.restate_changed(at=after(SUMMER) + timedelta(hours=4)) == []
    assert not any(queries.trial_balance().values())


def test_awards_in_two_currencies_are_refused_as_one_day():
    portfolio, _, _ = sold_evening()
    other = make_award(portfolio, up=dict.fromkeys(EVENING, 10.0))
    market = Market.objects.create(
        code="GB", name="market", kind="WHOLESALE", zone_code="DE", time_zone="Europe/Berlin", mtu_minutes=60,
        gate_local_time="12:00", currency="GBP",
    )  # fmt: skip
    type(other.bid.product).objects.filter(pk=other.bid.product_id).update(market=market)
    with pytest.raises(operations.MixedCurrencies, match="EUR, GBP"):
        settle(portfolio)
    assert not SettlementRun.objects.exists()


def test_a_contract_in_another_currency_pays_nothing_and_is_named():
    portfolio, _, devices = sold_evening()
    Contract.objects.filter(owner=devices[0].site.owner).update(currency="GBP")
    run = settle(portfolio)
    assert run.state == SettlementRun.State.DEGRADED
    assert run.findings[0] == {"finding": "owner_without_contract", "owners": [devices[0].site.owner_id]}
    assert Payout.objects.get(run=run, owner=devices[0].site.owner).amount == 0
    assert run.revenue == run.payouts + run.fees + run.margin


def test_a_contract_without_a_split_pays_nothing_and_is_named():
    portfolio, _, devices = sold_evening()
    Contract.objects.filter(owner=devices[1].site.owner).update(split_rule="")
    run = settle(portfolio)
    assert run.findings[0] == {"finding": "owner_without_contract", "owners": [devices[1].site.owner_id]}
    assert Payout.objects.get(run=run, owner=devices[1].site.owner).amount == 0
    assert run.revenue == run.payouts + run.fees + run.margin


def test_a_price_missing_for_one_interval_pays_nothing_until_it_comes():
    portfolio, _, _ = sold_evening(delivered=(200.0, 100.0))
    series = make_product(code="RT")  # hourly: a price at 18:00 local covers the event
    lines = [{"component": "TWO_SETTLEMENT", "real_time_price": "DA/RT"}]
    operations.add_terms(market_code="DA", lines=lines, valid_from=SUMMER, at=after(SUMMER))
    early = settle(portfolio)
    assert (early.revenue, early.state) == (0, "DEGRADED")
    assert early.findings[-1]["finding"] == "price_missing"
    explanation = Performance.objects.get(run=early).explanation
    assert explanation["interval"] == "72"
    make_price(series, DeliveryDay(SUMMER, "Europe/Berlin").starts()[72], 60.0, known_at=after(SUMMER) + HOUR)
    later = operations.restate_day(portfolio_id=portfolio.pk, delivery_date=SUMMER, at=after(SUMMER) + 2 * HOUR)
    assert later.revenue == Decimal("10.00")  # 0.4 MWh x 40 - 0.1 MWh x 60


def test_missing_readings_of_the_event_prove_nothing_and_never_count_as_zero():
    portfolio, _, devices = sold_evening(delivered=(300.0, np.nan))
    run = settle(portfolio)
    assert {"finding": "missing_readings", "devices": [devices[1].code]} in run.findings
    assert Payout.objects.get(run=run, owner=devices[1].site.owner).gross == 0


def test_nothing_awarded_and_nothing_metered_settles_to_nothing():
    run = settle(make_portfolio(devices=two_owners()))
    assert (run.revenue, run.payouts, run.penalty) == (0, 0, 0)
