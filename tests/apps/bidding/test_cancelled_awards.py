"""A market takes an award back, or corrects a result: a fact of its own, free kilowatts, no plan and no pay for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from bidding import operations, queries
from bidding.models import Activation, Award, AwardCancellation, Bid, BidEvent, BookCell, BookEntry
from tests.apps.bidding.test_api import API, award_row, post
from tests.apps.bidding.world import client_of, market_operator
from tests.factories import make_participant
from vpp.accounts.models import AuditEvent, Participant
from vpp.dispatch.positions import positions_of
from vpp.lib import clock
from vpp.settlement.queries.awards import awards_of, event_days_before

pytestmark = pytest.mark.django_db
AWARDS, CANCEL = "/markets/DAY-AHEAD-DE/awards", "/markets/DAY-AHEAD-DE/awards/cancel"
RESERVE = "/markets/RESERVE-DE"


@pytest.fixture
def market(world) -> dict[str, str]:
    clock.set_simulated(world.at)
    return client_of(market_operator(), "read", "awards:write")[1]


@pytest.fixture
def sold(client, world, market) -> Award:
    world.open_book(300.0)
    bid = operations.create_bid(world.draft(300.0), at=world.at)
    operations.submit_bid(bid, at=world.at)
    assert post(client, AWARDS, {"awards": [award_row(bid, reference="A-1")]}, market).status_code == 200
    return Award.objects.get()


def cancel(client, market, award: Award, reference: str = "C-1", path: str = CANCEL):
    row = {"award": award.pk, "reference": reference, "reason": "decoupled"}
    return post(client, path, {"cancellations": [row]}, market)


def promised(direction: str = "UP") -> set[float]:
    return {float(kw) for kw in BookCell.objects.filter(direction=direction).values_list("promised_kw", flat=True)}


def test_a_cancelled_award_is_a_new_fact_and_frees_its_kilowatts(client, world, market, sold):
    clock.set_simulated(world.at + timedelta(hours=1))
    answer = cancel(client, market, sold)
    assert answer.status_code == 200, answer.json()
    (told,) = answer.json()["cancelled"]
    assert (told["source_reference"], told["cancellation_reference"], told["cancellation_reason"]) == (
        "A-1", "C-1", "decoupled",
    )  # fmt: skip
    assert cancel(client, market, sold).json() == answer.json() and AwardCancellation.objects.count() == 1
    bid = Bid.objects.get()
    assert (bid.state, bid.award, promised(), queries.book_check(world.day.date)) == ("CANCELLED", None, {0.0}, [])
    last = BidEvent.objects.latest("pk")
    assert (last.state, last.at, last.reason) == ("CANCELLED", clock.now(), "[DAY-AHEAD-DE] C-1 decoupled")
    line = AuditEvent.objects.get(action="award.cancelled")
    assert line.before["up_kw"][0] == 300.0 and line.reason == "decoupled"
    assert client.get(f"{API}/commits", headers=market).json()["results"] == []
    (kept,) = client.get(f"{API}/commits?cancelled=true", headers=market).json()["results"]
    assert kept["id"] == sold.pk and kept["cancelled_at"] is not None
    again = operations.create_bid(world.draft(300.0, version=2), at=world.at)  # the kilowatts are for sale again
    assert again.pk != bid.pk


def test_an_award_named_twice_under_two_references_is_not_half_told(client, market, sold):
    rows = [{"award": sold.pk, "reference": reference, "reason": ""} for reference in ("C-1", "C-2")]
    answer = post(client, CANCEL, {"cancellations": rows}, market)
    assert (answer.status_code, answer.json()["code"]) == (409, "award_cancelled")
    assert not AwardCancellation.objects.exists() and Bid.objects.get().award == sold


def test_plans_and_settlement_know_it_only_as_long_as_it_stood(client, world, market, sold):
    before, key = clock.now(), world.portfolio.pk
    assert positions_of([key], world.day)[key].award_ids == (sold.pk,)
    clock.set_simulated(before + timedelta(hours=1))
    cancel(client, market, sold)
    assert positions_of([key], world.day)[key].award_ids == () and not queries.commitments(key, world.day.date)
    after, next_day = world.day.end, world.day.date + timedelta(days=1)
    assert awards_of(key, world.day.date, after) == [] and event_days_before(key, next_day, 5, after) == {}
    assert awards_of(key, world.day.date, before) == [sold]  # an old settlement run again is the same


def test_what_has_begun_is_delivered_and_only_the_rest_can_be_corrected(client, world, market, sold):
    clock.set_simulated(world.day.starts()[10] + timedelta(minutes=5))
    refused = cancel(client, market, sold)
    assert (refused.status_code, refused.json()["code"]) == (409, "interval_begun")
    assert refused.json()["details"] == {
        "intervals": 11, "first": world.day.start.isoformat(), "open_from": world.day.starts()[11].isoformat(),
    }  # fmt: skip
    row = award_row(sold.bid, reference="A-2") | {"corrects": "A-1"}
    row["up_kw"] = [300.0] * 10 + [0.0] * 86
    assert post(client, AWARDS, {"awards": [row]}, market).json()["code"] == "interval_begun"
    row["up_kw"] = [300.0] * 11 + [100.0] * 85
    done = post(client, AWARDS, {"awards": [row]}, market)
    assert done.status_code == 200 and done.json()["awarded"][0]["corrects"] == sold.pk
    assert post(client, AWARDS, {"awards": [row]}, market).json() == done.json()
    assert promised() == {300.0, 100.0} and queries.book_check(world.day.date) == []
    assert [str(one) for one in awards_of(world.portfolio.pk, world.day.date, clock.now())] == ["[DAY-AHEAD-DE] A-2"]
    states = list(BidEvent.objects.filter(at=clock.now()).order_by("pk").values_list("state", flat=True))
    assert states == ["CANCELLED", "CLEARED"]


def test_what_was_cancelled_does_not_come_to_life_again(client, world, market, sold):
    row = award_row(sold.bid, reference="A-1")
    cancel(client, market, sold)
    late = post(client, AWARDS, {"awards": [row]}, market)
    assert (late.status_code, late.json()["code"]) == (409, "award_cancelled")
    other = cancel(client, market, sold, "C-2")
    assert (other.status_code, other.json()["details"]["reference"]) == (409, "C-1")
    assert post(client, AWARDS, {"awards": [row | {"reference": "A-2"}]}, market).status_code == 200
    assert (Bid.objects.get().state, promised(), Award.objects.latest("pk").corrects) == ("CLEARED", {300.0}, sold)


def test_a_result_that_comes_again_is_refused_where_its_kilowatts_are_sold(client, world, market, sold):
    cancel(client, market, sold)
    operations.create_bid(world.draft(200.0, product=world.reserve), at=world.at)
    late = post(client, AWARDS, {"awards": [award_row(sold.bid, reference="A-2")]}, market)
    assert (late.status_code, late.json()["code"]) == (409, "sold_twice")
    assert (Award.objects.count(), Bid.objects.get(pk=sold.bid_id).state) == (1, "CANCELLED")


def test_corrections_name_the_result_they_correct(client, world, market, sold):
    row = award_row(sold.bid, 0.5, "A-2")
    for corrects, status, code in (("", 409, "award_differs"), ("A-0", 409, "award_differs")):
        answer = post(client, AWARDS, {"awards": [row | {"corrects": corrects}]}, market)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    nothing = post(client, AWARDS, {"awards": [award_row(sold.bid, 0.0, "A-2") | {"corrects": "A-1"}]}, market)
    assert nothing.json() == {"awarded": [], "not_cleared": [sold.bid_id]}
    assert (Bid.objects.get().state, promised()) == ("NOT_CLEARED", {0.0})
    plain = post(client, AWARDS, {"awards": [award_row(sold.bid, 1.0, "A-3")]}, market)
    assert (plain.status_code, plain.json()["code"]) == (409, "wrong_state")
    back = post(client, AWARDS, {"awards": [award_row(sold.bid, 1.0, "A-3") | {"corrects": "A-2"}]}, market)
    assert back.status_code == 200 and promised() == {300.0}


def test_calls_on_a_reserve_go_over_to_the_corrected_award(client, world, market):
    world.open_book(300.0)
    bid = operations.create_bid(world.draft(300.0, product=world.reserve), at=world.at)
    operations.submit_bid(bid, at=world.at)
    post(client, f"{RESERVE}/awards", {"awards": [award_row(bid, reference="R-1")]}, market)
    award, starts = Award.objects.get(), world.day.starts()
    for index in (2, 50):
        call = {"award": award.pk, "interval_start": starts[index].isoformat(), "activated_pu": 0.5}
        assert post(client, f"{RESERVE}/activations", call, market).status_code == 201
    clock.set_simulated(starts[10])
    row = award_row(bid, reference="R-2") | {"up_kw": [300.0] * 16 + [0.0] * 80, "corrects": "R-1"}
    assert post(client, f"{RESERVE}/awards", {"awards": [row]}, market).status_code == 200
    now = Award.objects.latest("pk")
    assert [one.interval_start for one in Activation.objects.filter(award=now)] == [starts[2]]
    call["interval_start"] = starts[60].isoformat()
    gone = post(client, f"{RESERVE}/activations", call, market)
    assert (gone.status_code, gone.json()["code"]) == (409, "award_cancelled")


def test_only_the_market_that_awarded_it_cancels_and_no_utility_commit(client, world, market, sold):
    stranger = client_of(make_participant(kind=Participant.Kind.MARKET), "read", "awards:write")[1]
    assert cancel(client, stranger, sold).json()["code"] == "unknown_market"
    assert cancel(client, market, sold, path=f"{RESERVE}/awards/cancel").json()["code"] == "unknown_award"
    both = [{"award": sold.pk, "reference": "C"}, {"award": sold.pk + 1, "reference": "C"}]
    assert post(client, CANCEL, {"cancellations": both}, market).status_code == 404
    assert not AwardCancellation.objects.exists() and promised() == {300.0}


def test_the_database_keeps_one_award_standing_and_the_claims_of_it(client, world, market, sold):
    fields = {"bid_id": sold.bid_id, "up_kw": sold.up_kw, "down_kw": sold.down_kw}
    with pytest.raises(DatabaseError, match="has an award that stands"), transaction.atomic():
        Award.objects.create(
            **fields, price_per_mwh=sold.price_per_mwh, source_reference="x", awarded_at=sold.awarded_at
        )
    statements = {
        "not set by hand": "UPDATE bidding_bid SET award_id = NULL",
        "stays so": "UPDATE bidding_bid SET state = 'CANCELLED'",
        "otherwise stays": "UPDATE bidding_bookentry SET state = 'RELEASED'",
    }
    for message, statement in statements.items():
        with pytest.raises(DatabaseError, match=message), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    cancel(client, market, sold)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AwardCancellation.objects.all().delete()
    assert set(BookEntry.objects.values_list("state", flat=True)) == {"RELEASED"}
