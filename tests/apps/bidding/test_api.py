"""Asks, bids, commits, prices and awards over HTTP: stable codes, tenancy, nothing twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bidding import operations
from bidding.distribution.answering import answer_feeder
from bidding.models import Activation, Ask, Award, Bid, BookCell, Price
from tests.apps.bidding.world import aggregator_headers, client_of, market_operator
from tests.factories import make_congestion_point, make_participant
from vpp.accounts.models import Participant
from vpp.enrollment.models import Site
from vpp.lib import clock

pytestmark = pytest.mark.django_db
API = "/api/v1"


def body(world, **fields: Any) -> dict[str, Any]:
    content = vars(world.ask_content(**fields))
    return content | {key: content[key].isoformat() for key in ("delivery_date", "gate_at", "expires_at")}


def post(client: Client, path: str, data: Any, headers: dict[str, str], key: str = "") -> Any:
    extra = {"Idempotency-Key": key} if key else {}
    return client.post(f"{API}{path}", data, content_type="application/json", headers=headers | extra)


@pytest.fixture
def utility(world) -> dict[str, str]:
    clock.set_simulated(world.at)
    return client_of(world.utility, "read", "asks:write")[1]


@pytest.fixture
def market(world) -> dict[str, str]:
    clock.set_simulated(world.at)
    return client_of(market_operator(), "read", "awards:write")[1]


def test_an_ask_becomes_a_bid_and_a_commit(client, world, utility):
    sent = body(world)
    answer = post(client, "/asks", sent, utility)
    assert answer.status_code == 201 and answer.json()["state"] == "ASKED"
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    seen = client.get(f"{API}/asks/{sent['reference']}", headers=utility).json()
    assert seen["state"] == "BID" and len(seen["bids"]) == 1
    bids = client.get(f"{API}/bids?ask={sent['reference']}", headers=utility).json()["results"]
    assert [bid["id"] for bid in bids] == seen["bids"] and bids[0]["up_kw"][72] == 40.0
    accepted = post(client, f"/bids/{bids[0]['id']}/accept", {"reference": "order-1"}, utility)
    assert accepted.status_code == 201 and accepted.json()["source_reference"] == "order-1"
    again = post(client, f"/bids/{bids[0]['id']}/accept", {}, utility)
    assert again.json() == accepted.json() and Award.objects.count() == 1
    commits = client.get(f"{API}/commits", headers=utility).json()["results"]
    assert [commit["ask"] for commit in commits] == [sent["reference"]]
    assert client.get(f"{API}/asks/{sent['reference']}", headers=utility).json()["state"] == "COMMITTED"
    refused = post(client, f"/bids/{bids[0]['id']}/reject", {}, utility)
    assert refused.status_code == 409 and refused.json()["code"] == "wrong_state"


def test_a_rejected_bid_gives_its_kilowatts_back(client, world, utility):
    world.open_book(500.0)
    ask = world.ask()
    bid = operations.submit_bid(
        operations.create_bid(world.draft(50.0, product=world.ask_product, ask=ask), at=world.at), at=world.at
    )
    answer = post(client, f"/bids/{bid.pk}/reject", {"reason": "not needed"}, utility)
    assert answer.status_code == 200 and answer.json()["state"] == "REJECTED"
    assert not BookCell.objects.exclude(promised_kw=0).exists()
    assert post(client, f"/bids/{bid.pk}/reject", {"reason": "not needed"}, utility).status_code == 200
    refused = post(client, f"/bids/{bid.pk}/accept", {}, utility)
    assert refused.status_code == 409 and refused.json()["code"] == "wrong_state"


def test_an_expired_bid_cannot_be_accepted(client, world, utility):
    world.open_book(500.0)
    ask = world.ask()
    bid = operations.submit_bid(
        operations.create_bid(world.draft(50.0, product=world.ask_product, ask=ask), at=world.at), at=world.at
    )
    clock.set_simulated(ask.expires_at)
    answer = post(client, f"/bids/{bid.pk}/accept", {}, utility)
    assert answer.status_code == 409 and answer.json()["code"] == "bid_expired"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"interval_minutes": 60}, 422, "wrong_time_grid"),
        ({"quantity_kw": [1.0] * 92}, 422, "wrong_time_grid"),
        ({"quantity_kw": [0.0] * 96}, 422, "zero_quantity"),
        ({"quantity_kw": [-1.0] * 96}, 422, "bad_quantity"),
        ({"congestion_point": "ea1.2016-01.dso.example:nowhere"}, 404, "unknown_congestion_point"),
        ({"gate_at": "2016-07-13T08:00:00Z"}, 422, "gate_passed"),
        ({"expires_at": "2016-07-13T08:30:00Z"}, 422, "bad_ask"),
        ({"direction": "SIDEWAYS"}, 400, "invalid"),
        ({"quantity_kw": "many"}, 400, "invalid"),
        ({"delivery_date": "tomorrow"}, 400, "invalid"),
    ],
)
def test_a_bad_ask_gets_a_stable_code_and_is_not_stored(client, world, utility, change, status, code):
    answer = post(client, "/asks", body(world) | change, utility)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Ask.objects.exists()


def test_a_foreign_congestion_point_is_unknown(client, world, utility):
    foreign = make_congestion_point()
    answer = post(client, "/asks", body(world, congestion_point=foreign.code), utility)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_congestion_point")


def test_the_same_ask_again_is_the_first_and_other_content_is_refused(client, world, utility):
    sent = body(world)
    first = post(client, "/asks", sent, utility)
    again = post(client, "/asks", sent, utility)
    assert again.status_code == 200 and again.json() == first.json()
    other = post(client, "/asks", sent | {"ceiling_price_per_mwh": 1.0}, utility)
    assert other.status_code == 409 and other.json()["code"] == "duplicate_reference"
    assert other.json()["details"]["differing"] == ["ceiling_price_per_mwh"]
    assert Ask.objects.count() == 1


def test_an_idempotency_key_gives_the_first_answer(client, world, utility):
    sent = body(world)
    first, again = (post(client, "/asks", sent, utility, key="k1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json()
    conflict = post(client, "/asks", body(world), utility, key="k1")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")


def test_a_withdrawn_ask_ends_its_bids(client, world, utility):
    world.open_book(500.0)
    ask = world.ask()
    bid = operations.submit_bid(
        operations.create_bid(world.draft(50.0, product=world.ask_product, ask=ask), at=world.at), at=world.at
    )
    answer = post(client, f"/asks/{ask.reference}/withdraw", {"reason": "switched"}, utility)
    assert answer.status_code == 200 and answer.json()["state"] == "WITHDRAWN"
    bid.refresh_from_db()
    assert bid.state == Bid.State.WITHDRAWN and not BookCell.objects.exclude(promised_kw=0).exists()


def test_asks_and_their_bids_expire(world):
    waiting = world.ask()
    assert operations.expire_asks(at=waiting.gate_at) == 1
    waiting.refresh_from_db()
    assert waiting.state == Ask.State.EXPIRED


def test_nobody_sees_across(client, world, utility, market):
    world.ask()
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    others = {
        "utility": client_of(make_participant(kind=Participant.Kind.UTILITY), "read", "asks:write")[1],
        "owner": client_of(make_participant(kind=Participant.Kind.OWNER), "read")[1],
        "market": client_of(make_participant(kind=Participant.Kind.MARKET), "read", "awards:write")[1],
    }
    for headers in others.values():
        assert client.get(f"{API}/bids", headers=headers).json()["results"] == []
        assert client.get(f"{API}/asks", headers=headers).json()["results"] == []
        assert client.get(f"{API}/commits", headers=headers).json()["results"] == []
    ask, wholesale = Ask.objects.get(), Bid.objects.get(product=world.energy)
    foreign = client.get(f"{API}/asks/{ask.reference}", headers=others["utility"])
    assert (foreign.status_code, foreign.json()["code"]) == (404, "unknown_ask")
    answer = post(client, f"/bids/{Bid.objects.get(ask=ask).pk}/accept", {}, others["utility"])
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_bid")
    answer = post(client, "/markets/DAY-AHEAD-DE/awards", {"awards": [award_row(wholesale)]}, others["market"])
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_market")
    kinds = {bid["product_kind"] for bid in client.get(f"{API}/bids", headers=utility).json()["results"]}
    assert kinds == {"ASK"}
    kinds = {bid["product_kind"] for bid in client.get(f"{API}/bids", headers=market).json()["results"]}
    assert kinds == {"ENERGY", "RESERVE_UP"}
    assert client.get(f"{API}/bids", headers=aggregator_headers()).json()["count"] == 3
    assert [m["code"] for m in client.get(f"{API}/markets", headers=utility).json()["results"]] == ["FLEX"]


def test_the_word_that_one_utility_orders_under_is_free_for_another(client, world, utility):
    other = make_congestion_point()
    Site.objects.filter(feeder_code=world.point.feeder.code, pk__in=half_of_the_sites(world)).update(
        feeder_code=other.feeder.code
    )
    foreign = client_of(other.utility, "read", "asks:write")[1]
    asked = [(world.ask(), utility)]
    content = world.ask_content(congestion_point=other.code, quantity_kw=world.ask_content().quantity_kw)
    asked.append(
        (operations.receive_ask(utility=other.utility, content=content, at=world.at, actor="test")[0], foreign)
    )
    for ask, headers in asked:
        answer_feeder(feeder_code=ask.congestion_point.feeder.code, delivery_date=world.day.date, at=world.at)
        bid = Bid.objects.get(ask=ask)
        for _ in range(2):
            answer = post(client, f"/bids/{bid.pk}/accept", {"reference": "order-1"}, headers)
            assert (answer.status_code, answer.json()["source_reference"]) == (201, "order-1")
    assert Award.objects.count() == 2


def half_of_the_sites(world) -> list[int]:
    sites = Site.objects.filter(feeder_code=world.point.feeder.code).order_by("pk")
    return list(sites.values_list("pk", flat=True)[::2])


def test_our_own_staff_do_not_order_reject_or_withdraw_in_a_utilitys_name(client, world, utility):
    ask = world.ask()
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    bid, ours = Bid.objects.get(ask=ask), aggregator_headers("read", "asks:write")
    for path in (f"/bids/{bid.pk}/accept", f"/bids/{bid.pk}/reject", f"/asks/{ask.reference}/withdraw"):
        assert post(client, path, {"reason": "for them"}, ours).status_code == 403
    bid.refresh_from_db()
    assert bid.state == Bid.State.SUBMITTED and not Award.objects.exists()
    wholesale = Bid.objects.filter(ask=None).first()
    answer = post(client, f"/bids/{wholesale.pk}/accept", {}, ours)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


def test_a_caller_without_the_scope_is_refused(client, world):
    reader = client_of(world.utility, "read")[1]
    assert post(client, "/asks", body(world), reader).status_code == 403
    assert client.post(f"{API}/asks", {}, content_type="application/json").status_code == 401


def award_row(bid: Bid, share: float = 1.0, reference: str = "") -> dict[str, Any]:
    return {
        "bid": bid.pk,
        "reference": reference or f"clear-{bid.pk}",
        "up_kw": [share * quantity for quantity in bid.up_kw],
        "down_kw": [share * quantity for quantity in bid.down_kw],
        "price_per_mwh": [42.0] * len(bid.up_kw),
    }


def test_the_market_clears_our_bids(client, world, market):
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    energy, reserve = Bid.objects.get(product=world.energy), Bid.objects.get(product=world.reserve)
    clock.set_simulated(world.at + timedelta(hours=3))
    answer = post(client, "/markets/DAY-AHEAD-DE/awards", {"awards": [award_row(energy)]}, market)
    assert answer.status_code == 200 and answer.json()["awarded"][0]["bid"] == energy.pk
    assert post(client, "/markets/DAY-AHEAD-DE/awards", {"awards": [award_row(energy)]}, market).json() == answer.json()
    changed = post(client, "/markets/DAY-AHEAD-DE/awards", {"awards": [award_row(energy, 0.5)]}, market)
    assert (changed.status_code, changed.json()["code"]) == (409, "award_differs")
    wrong_place = post(client, "/markets/DAY-AHEAD-DE/awards", {"awards": [award_row(reserve)]}, market)
    assert (wrong_place.status_code, wrong_place.json()["code"]) == (404, "unknown_bid")
    more = post(client, "/markets/RESERVE-DE/awards", {"awards": [award_row(reserve, 2.0)]}, market)
    assert (more.status_code, more.json()["code"]) == (422, "award_exceeds_bid")
    none = post(client, "/markets/RESERVE-DE/awards", {"awards": [award_row(reserve, 0.0)]}, market)
    assert none.json() == {"awarded": [], "not_cleared": [reserve.pk]}
    assert Award.objects.count() == 1
    held = BookCell.objects.filter(direction="UP").order_by("interval_start").values_list("promised_kw", flat=True)
    assert [float(value) for value in held] == energy.up_kw


def test_an_award_before_nothing_was_sent_is_unknown(client, world, market):
    world.open_book(500.0)
    bid = operations.create_bid(world.draft(100.0), at=world.at)
    answer = post(client, "/markets/DAY-AHEAD-DE/awards", {"awards": [award_row(bid)]}, market)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_bid")


def test_prices_are_stored_once_and_a_correction_is_a_new_row(client, world, market):
    start = world.day.start.isoformat()
    sent = {"product": "ENERGY-60", "source": "modelled price", "prices": [{"interval_start": start, "price": 31.5}]}
    for stored in (1, 0):
        assert post(client, "/markets/DAY-AHEAD-DE/prices", sent, market).json() == {"stored": stored}
    clock.set_simulated(world.at + timedelta(hours=1))
    sent["prices"][0]["price"] = 32.0
    assert post(client, "/markets/DAY-AHEAD-DE/prices", sent, market).json() == {"stored": 1}
    rows = Price.objects.filter(interval_start=world.day.start).order_by("available_at")
    assert [row.price for row in rows] == [31.5, 32.0]
    unknown = post(client, "/markets/DAY-AHEAD-DE/prices", sent | {"product": "GAS"}, market)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_product")


def test_a_reserve_is_called_once_an_interval(client, world, market):
    world.open_book(500.0)
    bid = operations.submit_bid(
        operations.create_bid(world.draft(100.0, product=world.reserve), at=world.at), at=world.at
    )
    post(client, "/markets/RESERVE-DE/awards", {"awards": [award_row(bid)]}, market)
    award = Award.objects.get()
    call = {"award": award.pk, "interval_start": world.day.starts()[40].isoformat(), "activated_pu": 0.5}
    first = post(client, "/markets/RESERVE-DE/activations", call, market)
    assert first.status_code == 201
    assert post(client, "/markets/RESERVE-DE/activations", call, market).json() == first.json()
    other = post(client, "/markets/RESERVE-DE/activations", call | {"activated_pu": 0.6}, market)
    assert (other.status_code, other.json()["code"]) == (409, "wrong_state")
    off_grid = post(
        client, "/markets/RESERVE-DE/activations", call | {"interval_start": "2016-07-14T10:01:00Z"}, market
    )
    assert off_grid.status_code == 409
    clock.set_simulated(world.day.starts()[42])
    late = post(
        client, "/markets/RESERVE-DE/activations", call | {"interval_start": world.day.starts()[41].isoformat()}, market
    )
    assert (late.status_code, late.json()["code"]) == (422, "gate_passed")
    assert Activation.objects.count() == 1


def test_a_filter_that_cannot_be_read_is_the_callers_mistake(client, world, utility):
    assert client.get(f"{API}/bids?date=soon", headers=utility).status_code == 400


def test_what_is_no_number_is_no_award_call_or_price(client, world, market):
    operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    energy = Bid.objects.get(product=world.energy)
    clock.set_simulated(world.at + timedelta(hours=3))
    for name in ("price_per_mwh", "up_kw"):
        row = award_row(energy)
        row[name][7] = "NaN"
        answer = post(client, "/markets/DAY-AHEAD-DE/awards", {"awards": [row]}, market)
        assert answer.status_code == 400
    price = {"interval_start": world.day.start.isoformat(), "price": "-inf"}
    sent = {"product": world.energy.code, "source": "test", "prices": [price]}
    assert post(client, "/markets/DAY-AHEAD-DE/prices", sent, market).status_code == 400
    call = {"award": 1, "interval_start": world.day.start.isoformat(), "activated_pu": "nan"}
    assert post(client, "/markets/RESERVE-DE/activations", call, market).status_code == 400
    assert not Award.objects.exists()
