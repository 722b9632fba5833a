"""What is kept is kept before SQL by hand: TRUNCATE, moments at which something was known, asks that have ended."""

import pytest
from django.db import IntegrityError, connection, transaction

from bidding.models import Ask, Bid
from tests.apps.settlement.makers import SUMMER, make_ask, make_bid, make_plan
from tests.factories import make_device, make_device_forecasts, make_participant, make_portfolio, make_site
from vpp.enrollment.models import Consent
from vpp.lib.periods import DeliveryDay

pytestmark = pytest.mark.django_db

# pg_trigger.tgtype: 1 each row, 2 before, 8 DELETE, 32 TRUNCATE
KEPT = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger
WHERE NOT tgisinternal AND tgparentid = 0 AND tgtype & 11 = 11
"""
GUARDED = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 32 = 32"


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def refused(sql: str, match: str = "refused") -> None:
    with pytest.raises(IntegrityError, match=match), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_truncate_is_refused_wherever_delete_is():
    guards = dict(rows(GUARDED))
    assert {table for (table,) in rows(KEPT)} - guards.keys() == set()
    assert {
        "accounts_auditevent",
        "settlement_journalline",
        "telemetry_reading",
        "forecasting_forecast",
    } <= guards.keys()
    with connection.cursor() as cursor:  # tests alone disable them, in their own database: tests/conftest.py
        for table, name in guards.items():
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
    for table in guards:
        refused(f"TRUNCATE {table} CASCADE", "TRUNCATE is refused")


@pytest.mark.parametrize("table, column", [
    ("forecasting_forecast", "available_at"), ("forecasting_forecastrun", "issue_time"),
    ("forecasting_forecastrun", "data_as_of"), ("dispatch_plan", "created_at"), ("bidding_ask", "created_at"),
])  # fmt: skip
def test_a_moment_at_which_something_was_known_stays(table, column):
    device = make_device()
    portfolio, day = make_portfolio(devices=[device]), DeliveryDay(SUMMER, "Europe/Berlin")
    run = make_device_forecasts(portfolio, day, {device.pk: 1.0}, issued_at=day.start)
    make_plan(portfolio, {device: {0: 1.0}})
    make_ask(make_participant(kind="UTILITY"), up={0: 10.0})
    refused(f"UPDATE {table} SET {column} = {column} - interval '1 hour'", "stay as they were written")
    run.duration_s = 2.0
    run.save()  # what is not knowledge may be noted later; a repeat of the rest is no change


def test_the_parts_of_a_plan_stay_too():
    device = make_device()
    make_plan(make_portfolio(devices=[device]), {device: {0: 1.0}})
    refused("UPDATE dispatch_plandevice SET baseline_kw[1] = 99", "stay as they were written")


@pytest.mark.parametrize("before, after", [
    ("COMMITTED", "ASKED"), ("COMMITTED", "BID"), ("DELIVERED", "COMMITTED"), ("EXPIRED", "ASKED"),
    ("WITHDRAWN", "BID"), ("REJECTED", "COMMITTED"), ("SUPERSEDED", "ASKED"),
])  # fmt: skip
def test_an_ask_that_was_committed_or_ended_is_not_opened_again(before, after):
    ask = make_ask(make_participant(kind="UTILITY"), up={0: 10.0})
    ask.pk, ask.reference, ask.state = None, f"{ask.reference}-next", before
    ask.save(force_insert=True)
    refused(f"UPDATE bidding_ask SET state = '{after}' WHERE id = {ask.pk}", "cannot become")
    if before == Ask.State.COMMITTED:
        Ask.objects.filter(pk=ask.pk).update(state=Ask.State.DELIVERED)


def test_a_consent_is_withdrawn_once_and_otherwise_stays(at):
    consent = Consent.objects.create(site=make_site(), given_by="Anna", given_at=at, document="v1")
    refused("UPDATE enrollment_consent SET given_at = given_at - interval '1 day'")
    refused("DELETE FROM enrollment_consent")
    Consent.objects.filter(pk=consent.pk).update(withdrawn_at=at)
    refused("UPDATE enrollment_consent SET withdrawn_at = NULL")


@pytest.mark.parametrize("state", [Bid.State.CHECKED, Bid.State.SUBMITTED])
def test_a_bid_that_was_checked_is_no_draft_again(state):
    bid = a_bid(state)
    refused(f"UPDATE bidding_bid SET state = 'DRAFT' WHERE id = {bid.pk}", "no draft again")


@pytest.mark.parametrize("state", [Bid.State.CHECKED, Bid.State.HELD, Bid.State.WITHDRAWN, Bid.State.EXPIRED])
def test_only_what_lies_before_a_market_is_awarded(state):
    bid = a_bid(state)
    refused(
        "INSERT INTO bidding_award (bid_id, up_kw, down_kw, price_per_mwh, source_reference, awarded_at)"
        f" SELECT id, up_kw, down_kw, price_per_mwh, 'x', now() FROM bidding_bid WHERE id = {bid.pk};"
        "SET CONSTRAINTS ALL IMMEDIATE",
        "takes no award",
    )


def a_bid(state: str) -> Bid:
    bid = make_bid(make_portfolio(), up={0: 5.0})
    bid.pk, bid.natural_key, bid.state, bid.portfolio = None, "another", state, make_portfolio()
    bid.save(force_insert=True)
    return bid
