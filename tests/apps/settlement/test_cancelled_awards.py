"""What a market took back before its delivery is not settled, and what it put in its place is."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from bidding.operations.awards import take_award
from bidding.operations.book import open_book
from bidding.operations.results import cancel_award
from tests.apps.settlement.makers import SUMMER
from tests.apps.settlement.test_settle_day import EVENING, settle, sold_evening
from vpp.lib.periods import DeliveryDay
from vpp.settlement import operations
from vpp.settlement.models import Payout, Performance

pytestmark = pytest.mark.django_db


def test_a_cancelled_award_is_not_paid():
    portfolio, award, _devices = sold_evening()
    cancel_award(award, reference="C-1", reason="decoupled", at=award.awarded_at + timedelta(hours=1), actor="m")
    run = settle(portfolio)
    assert run.revenue == run.payouts == 0
    assert not Performance.objects.exists() and not Payout.objects.exists()


def test_a_corrected_award_is_paid_as_corrected_and_verifies():
    portfolio, award, _devices = sold_evening(delivered=(150.0, 50.0))
    day = DeliveryDay(SUMMER, portfolio.time_zone)
    room = np.full(day.n_intervals, 500.0)
    open_book(portfolio_id=portfolio.pk, day=day, up_kw=room, down_kw=room)
    half = [0.5 * kw for kw in award.up_kw]
    corrected = take_award(
        award.bid, up_kw=half, down_kw=award.down_kw, price_per_mwh=award.price_per_mwh, reference="A-2",
        corrects=award.source_reference, at=award.awarded_at + timedelta(hours=1), actor="m",
    )  # fmt: skip
    run = settle(portfolio)
    performance = Performance.objects.get(run=run)
    assert performance.award == corrected and max(half) == 200.0 and len(EVENING) == 4
    assert performance.revenue == Decimal("8.00")  # 0.2 MWh x 40 EUR/MWh
    operations.verify_run(run)
