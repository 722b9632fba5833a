"""An old run comes out as it was, whatever is registered, agreed or renamed after it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from bidding.models import Product
from tests.apps.settlement.makers import SUMMER, after, make_award, make_plan, meter
from tests.apps.settlement.test_settle_day import EVENING, settle, sold_evening, two_owners
from tests.factories import make_contract, make_device, make_participant, make_portfolio, make_site
from vpp.enrollment.models import Contract, Device
from vpp.settlement import operations
from vpp.settlement.models import Payout

pytestmark = pytest.mark.django_db
LATER = after(SUMMER) + timedelta(days=2)


def paid(run) -> dict[int, Decimal]:
    return dict(Payout.objects.filter(run=run).values_list("owner_id", "total"))


def test_reserve_that_nobody_called_is_shared_by_the_ratings_of_the_day():
    devices = two_owners(shares=("0.5", "0.5"))
    portfolio = make_portfolio(devices=devices)
    make_award(portfolio, kind=Product.Kind.RESERVE_UP, up=dict.fromkeys(EVENING, 400.0))
    make_plan(portfolio, {device: {72: -10.0} for device in devices})
    for device in devices:
        meter(device, SUMMER, 0.0)
    run = settle(portfolio)
    assert sum(paid(run).values()) > 0
    Device.objects.filter(pk=devices[0].pk).update(max_production_kw=4000.0)  # enlarged since
    assert operations.verify_run(run) == run.checksum
    again = operations.restate_day(portfolio_id=portfolio.pk, delivery_date=SUMMER, at=LATER)
    assert paid(again) == paid(run)


def test_a_contract_that_comes_late_is_paid_by_the_next_version_and_not_by_the_old_one():
    owner = make_participant()
    device = make_device(site=make_site(owner=owner), max_production_kw=400.0)
    portfolio = make_portfolio(devices=[device])
    make_award(portfolio, up=dict.fromkeys(EVENING, 400.0))
    make_plan(portfolio, {device: {72: -10.0}})
    meter(device, SUMMER, -400.0)
    run = settle(portfolio)
    assert paid(run) == {owner.pk: Decimal("0.00")}
    make_contract(owner)
    assert operations.verify_run(run) == run.checksum
    again = operations.restate_day(portfolio_id=portfolio.pk, delivery_date=SUMMER, at=LATER)
    assert paid(again) == {owner.pk: Decimal("11.20")}
    contract = Contract.objects.get()
    with pytest.raises(IntegrityError, match="was settled"), transaction.atomic():
        Contract.objects.filter(pk=contract.pk).update(owner_share_pu="0.9")


def test_names_zones_and_currencies_of_settled_days_stay():
    portfolio, _, _ = sold_evening()
    settle(portfolio)
    for sql in (
        "UPDATE enrollment_device SET code = code || '-new'",
        "UPDATE enrollment_site SET time_zone = 'Asia/Tokyo'",
        "UPDATE enrollment_portfolio SET time_zone = 'Asia/Tokyo'",
        "UPDATE enrollment_portfolio SET code = 'other'",
        "UPDATE bidding_market SET currency = 'CHF'",
        "UPDATE bidding_product SET kind = 'RESERVE_UP'",
        "DELETE FROM dispatch_plandevice",
    ):
        told = pytest.raises(IntegrityError, match="that stays|refused")
        with told, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    with connection.cursor() as cursor:  # what was never settled may be mended
        cursor.execute("UPDATE enrollment_site SET name = 'Mill', zone_code = 'AT'")
