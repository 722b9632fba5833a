"""Rows that the dispatch tests start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from bidding.models import Award, BidOption, OrderedOption
from tests.apps.settlement.makers import make_ask, make_award, utility
from vpp.dispatch.models import ControlCycle, Setpoint
from vpp.enrollment.models import Device, Portfolio, Site
from vpp.lib.periods import DeliveryDay

POWERS = ("committed_up_kw", "placed_up_kw", "residual_up_kw")
NOON = datetime(2016, 7, 14, 10, tzinfo=UTC)  # in Berlin


@transaction.atomic
def make_setpoint(device: Device, portfolio: Portfolio, **fields: Any) -> Setpoint:
    defaults: dict[str, Any] = {
        "interval_start": NOON,
        "target_kw": -5.0,
        "baseline_kw": 0.0,
        "issued_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
    }
    asked = defaults | fields
    cycle, _ = ControlCycle.objects.get_or_create(
        portfolio=portfolio, interval_start=asked["interval_start"], revision=asked.get("sequence", 0),
        defaults={"at": asked["issued_at"], "written": 1, "unavailable": 0} | dict.fromkeys(POWERS, 0.0),
    )  # fmt: skip
    return Setpoint.objects.create(device=device, portfolio=portfolio, cycle=cycle, **asked)


def order_kvar(portfolio: Portfolio, day: DeliveryDay, kvar: dict[int, float]) -> Award:
    """A commit on an ask for reactive power, kvar by interval, of a feeder that all sites of the portfolio are on."""
    ordered = [kvar.get(index, 0.0) for index in range(day.n_intervals)]
    ask = make_ask(utility(), day=day.date, up={}, power_kind="REACTIVE", quantity_kvar=[abs(one) for one in ordered])
    Site.objects.filter(devices__enrollments__portfolio=portfolio).update(feeder_code=ask.congestion_point.feeder.code)
    award = make_award(portfolio, day=day.date, kind="ASK", up={}, price=4.0, ask=ask)
    zero = [0.0] * day.n_intervals
    option = BidOption.objects.create(
        bid=award.bid, reference="A", up_kw=zero, down_kw=zero, kvar=ordered, recovery_kw=zero, price_per_mwh=4.0,
        price=Decimal(1),
    )  # fmt: skip
    OrderedOption.objects.create(award=award, option=option, activation_pu=Decimal(1), price=Decimal(1))
    return award
