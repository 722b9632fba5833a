"""A utility asks, takes or declines a bid, and reads its report; with the same refusals as the API."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from bidding.distribution.operations import AskContent, receive_ask
from bidding.models import Ask, AskEvent, Award, Bid
from tests.apps.console.makers import World, client_for, make_user, page
from tests.factories import make_participant
from vpp.accounts.models import AuditEvent, Participant, User
from vpp.console.ask_form import laid_out
from vpp.lib import clock

pytestmark = pytest.mark.django_db


def client_of(world: World, role: str):
    user = make_user(role.lower(), None, participant=world.utility)
    User.objects.filter(pk=user.pk).update(role=role)
    return client_for(user)


@pytest.fixture
def planner(world):
    return client_of(world, "UTILITY_PLANNER")


@pytest.fixture
def approver(world):
    return client_of(world, "UTILITY_APPROVER")


def typed(world: World, **other: str) -> dict[str, str]:
    """A form for two days after, bids until noon the day before."""
    delivery = world.day.date + timedelta(days=2)
    before = world.day.date + timedelta(days=1)
    return {
        "reference": "A-1", "congestion_point": world.ask.congestion_point.code, "direction": "UP",
        "delivery_date": delivery.isoformat(), "begins": "17:00", "ends": "18:00", "quantity": "80",
        "ceiling_price": "250", "gate": f"{before}T12:00", "expires": f"{before}T14:00",
    } | other  # fmt: skip


def test_a_planner_asks_and_sees_the_ask(planner, world):
    body = planner.post("/asks/new/", typed(world), follow=True).content.decode()
    ask = Ask.objects.get(reference="A-1")
    assert "Ask A-1 is with the aggregator" in body
    assert sum(ask.quantity_kw) == 4 * 80.0 and ask.quantity_kw[68] == 80.0
    assert ask.gate_at.hour == 10  # noon in Berlin
    assert AuditEvent.objects.get(action="ask.asked", subject_key=str(ask.pk)).actor == "user:utility_planner"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"gate": "2016-01-01T12:00", "expires": "2016-01-01T13:00"}, "gate_passed"),
        ({"quantity": "0"}, "zero_quantity"),
        ({"quantity": "-5"}, "bad_quantity"),
        ({"quantity": "many"}, "Numbers only"),
        ({"quantity": "1 2 3"}, "4 quarter hours"),
        ({"begins": "17:05"}, "quarter hour"),
        ({"ends": "16:00"}, "ends before it begins"),
        ({"delivery_date": "9999-12-31"}, "Look at the year"),
        ({"delivery_date": "0026-03-12"}, "Look at the year"),
        ({"gate": "9999-12-31T23:00"}, "Look at the year"),
        ({"delivery_date": "12.03.2026"}, "Enter a valid date"),
        ({"ceiling_price": "1e9"}, "less than or equal to 1000000"),
        ({"congestion_point": "of somebody else"}, "not one of the available choices"),
    ],
)
def test_a_refused_ask_says_why_and_keeps_what_was_typed(planner, world, other, told):
    body = page_of_refusal(planner, typed(world, **other))
    assert told in body and 'value="A-1"' in body
    assert not Ask.objects.filter(reference="A-1").exists()


def page_of_refusal(client, data: dict[str, str]) -> str:
    response = client.post("/asks/new/", data)
    assert response.status_code == 422
    return response.content.decode()


def test_the_same_reference_with_other_content_is_refused(planner, world):
    assert planner.post("/asks/new/", typed(world)).status_code == 302
    assert "duplicate_reference" in page_of_refusal(planner, typed(world, quantity="90"))


def test_an_ask_can_be_copied_to_the_next_day(planner, world):
    body = page(planner, f"/asks/new/?copy={world.ask.reference}")
    assert 'value="2016-07-15"' in body and 'value="18:00"' in body and 'value="120"' in body
    page(planner, "/asks/new/?copy=unknown", 404)


def test_windows_are_laid_on_the_local_grid():
    summer = laid_out(date(2016, 7, 14), "Europe/Berlin", time(0), time(0), [1.0])
    assert len(summer) == 96 and sum(summer) == 96.0
    longer = laid_out(date(2016, 10, 30), "Europe/Berlin", time(4), time(5), [1.0, 2.0, 3.0, 4.0])
    assert len(longer) == 100 and longer[20:24] == [1.0, 2.0, 3.0, 4.0]


@pytest.fixture
def waiting_bid(world) -> Bid:
    """A submitted bid on an ask of the next day."""
    ask = Ask.objects.get(pk=world.ask.pk)
    first = Bid.objects.get(ask=world.ask)
    moment = world.day.end - timedelta(hours=12)
    clock.set_simulated(moment)
    ask.pk, ask.reference, ask.state, ask.delivery_date = (
        None,
        "NEXT",
        Ask.State.BID,
        world.day.date + timedelta(days=1),
    )
    ask.gate_at, ask.expires_at = moment - timedelta(hours=1), moment + timedelta(hours=1)
    ask.save()
    AskEvent.objects.create(ask=ask, at=moment, state=Ask.State.BID)
    nothing = [0.0] * 96
    return Bid.objects.create(
        natural_key="next", portfolio=world.portfolio, product=first.product, ask=ask, delivery_date=ask.delivery_date,
        state=Bid.State.SUBMITTED, up_kw=[0.0, 50.0] + nothing[2:], down_kw=nothing, price_per_mwh=[100.0] * 96,
        created_at=moment, submitted_at=moment,
    )  # fmt: skip


def test_a_bid_is_offered_once_it_can_be_ordered(approver, waiting_bid):
    """Between the sending of a bid and its ask's next state lies a moment."""
    Ask.objects.filter(pk=waiting_bid.ask_id).update(state=Ask.State.ASKED)
    assert "Order the bid…" not in page(approver, "/asks/NEXT/")
    Ask.objects.filter(pk=waiting_bid.ask_id).update(state=Ask.State.BID)
    assert "Order the bid…" in page(approver, "/asks/NEXT/")


def test_an_approver_declines_a_bid_after_one_question(approver, waiting_bid):
    assert "Decline the bid…" in page(approver, "/asks/NEXT/")
    assert "cannot be undone" in page(approver, f"/bids/{waiting_bid.pk}/answer/reject/")
    approver.post(f"/bids/{waiting_bid.pk}/answer/reject/", {"reason": "too dear"})
    waiting_bid.refresh_from_db()
    assert waiting_bid.state == Bid.State.REJECTED
    assert Ask.objects.get(reference="NEXT").state == Ask.State.REJECTED
    page(approver, f"/bids/{waiting_bid.pk}/answer/eat/", 404)


def test_a_late_order_is_refused_in_the_words_of_the_api(approver, waiting_bid):
    clock.set_simulated(clock.now() + timedelta(hours=2))
    body = approver.post(f"/bids/{waiting_bid.pk}/answer/accept/", follow=True).content.decode()
    assert "bid_expired" in body
    assert not Award.objects.filter(bid=waiting_bid).exists()


def test_an_order_is_a_commit(approver, waiting_bid, monkeypatch):
    from bidding.operations import book

    monkeypatch.setattr(book, "award", lambda **_: None)  # the made-up bid holds nothing in the book
    body = approver.post(f"/bids/{waiting_bid.pk}/answer/accept/", follow=True).content.decode()
    assert "The bid is ordered" in body
    assert Award.objects.get(bid=waiting_bid).up_kw[1] == 50.0


def test_a_planner_cannot_order_and_nobody_answers_for_another_utility(planner, waiting_bid, world, staff):
    assert "Order the bid…" not in page(planner, "/asks/NEXT/")
    for answer in ("accept", "reject"):
        assert planner.post(f"/bids/{waiting_bid.pk}/answer/{answer}/").status_code == 403
        assert staff.post(f"/bids/{waiting_bid.pk}/answer/{answer}/").status_code == 403
    other = make_user("other", None, participant=make_participant(kind=Participant.Kind.UTILITY))
    User.objects.filter(pk=other.pk).update(role="UTILITY_APPROVER")
    assert client_for(other).post(f"/bids/{waiting_bid.pk}/answer/accept/").status_code == 404
    waiting_bid.refresh_from_db()
    assert waiting_bid.state == Bid.State.SUBMITTED


def test_a_planner_takes_an_ask_back(planner, waiting_bid):
    planner.post("/asks/NEXT/withdraw/", {"reason": "line is back"})
    assert Ask.objects.get(reference="NEXT").state == Ask.State.WITHDRAWN


def test_the_report_shows_delivered_against_ordered_on_own_asks(planner, world):
    assert world.ask.reference in page(planner, "/reports/")
    assert "No ask is settled on this day" in page(planner, "/reports/?date=2010-01-01")
    stranger = client_for(make_user("stranger", Participant.Kind.UTILITY))
    assert world.ask.reference not in page(stranger, "/reports/")


def test_the_last_revision_of_an_ask_is_copied_and_taken_back(planner, world):
    planner.post("/asks/new/", typed(world))
    first = Ask.objects.get(reference="A-1")
    names = [name for name in AskContent.__dataclass_fields__ if name not in ("congestion_point", "channel")]
    same = {name: getattr(first, name) for name in names} | {"congestion_point": first.congestion_point.code}
    again = AskContent(**same | {"revision": 2, "quantity_kw": [kw / 2 for kw in first.quantity_kw]})
    receive_ask(utility=world.utility, content=again, at=clock.now(), actor="test")
    assert 'value="40"' in page(planner, "/asks/new/?copy=A-1")
    planner.post("/asks/A-1/withdraw/", {"reason": "line is back"})
    states = dict(Ask.objects.filter(reference="A-1").values_list("revision", "state"))
    assert states == {1: Ask.State.SUPERSEDED, 2: Ask.State.WITHDRAWN}
