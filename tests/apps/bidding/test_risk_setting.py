"""How cautious the night is: a portfolio's own setting goes before its zone's, and the run says what it weighed."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from bidding import operations
from bidding.models import PlannedDay, Product, RiskSetting
from bidding.operations.risk import risk_setting
from bidding.wholesale.operations import PriceRow
from tests.apps.bidding.world import ZONE
from tests.factories import make_portfolio
from vpp.lib.periods import DeliveryDay

pytestmark = pytest.mark.django_db


def restless_prices(world) -> None:
    rng = np.random.default_rng(1)
    for back in range(1, 8):
        day = DeliveryDay(world.day.date.replace(day=world.day.date.day - back), ZONE, 60)
        rows = [PriceRow(start, round(float(rng.normal(40, 25)), 2)) for start in day.starts()]
        operations.post_prices(
            market=world.energy.market, product_code="ENERGY-60", rows=rows, source="test", available_at=world.at
        )


def test_a_portfolio_goes_before_its_zone(world):
    assert risk_setting(world.portfolio) is None
    RiskSetting.objects.create(zone_code="DE", beta=0.2)
    assert risk_setting(world.portfolio).beta == 0.2
    RiskSetting.objects.create(zone_code="DE", portfolio=world.portfolio, beta=0.0)
    assert risk_setting(world.portfolio).beta == 0.0 and risk_setting(make_portfolio()).beta == 0.2
    for bad in (
        {"zone_code": "DE", "beta": 0.5},
        {"zone_code": "FR", "beta": 1.5},
        {"zone_code": "FR", "beta": 0.5, "alpha": 1.0},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            RiskSetting.objects.create(**bad)


def test_the_night_weighs_its_worst_days(world):
    restless_prices(world)
    Product.objects.filter(pk=world.reserve.pk).update(reference_price=0.5)
    RiskSetting.objects.create(zone_code="DE", beta=1.0, alpha=0.8)
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    planned = PlannedDay.objects.get()
    assert planned.solver["risk"]["beta"] == 1.0 and planned.solver["risk"]["alpha"] == 0.8
    assert planned.solver["risk"]["weighed"] <= planned.expected_profit + 1e-6
