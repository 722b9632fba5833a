"""What the API says to somebody who mistypes: every refusal is JSON, nothing is guessed, and the description knows it."""

from __future__ import annotations

import pytest

from bidding import operations
from tests.apps.bidding.test_api import API, body, post
from tests.apps.bidding.test_ask_answers import sent_bid
from tests.apps.bidding.world import aggregator_headers, client_of
from vpp.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def utility(world) -> dict[str, str]:
    clock.set_simulated(world.at)
    return client_of(world.utility, "read", "asks:write")[1]


def test_an_address_that_does_not_exist_is_refused_in_json(client):
    answer = client.get(f"{API}/nope")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client.get("/nope")["Content-Type"].startswith("text/html")


def test_an_ask_whose_reference_holds_a_slash_can_be_read_and_withdrawn(client, world, utility):
    assert post(client, "/asks", body(world, reference="2016/7 b"), utility).status_code == 201
    assert client.get(f"{API}/asks/2016%2F7%20b", headers=utility).json()["reference"] == "2016/7 b"
    assert post(client, "/asks/2016%2F7%20b/withdraw", {}, utility).json()["state"] == "WITHDRAWN"


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"gate_at": "2016-07-13T10:00:00"}, 400, "needs its offset from UTC"),
        ({"expires_at": "2016-07-15T22:00:00Z"}, 422, "expires_at is after delivery begins"),
        ({"quantity_kw": [1e9] * 96}, 422, "from 0 to below 10000000"),
    ],
)
def test_an_ask_that_says_too_little_or_too_much_is_told_so(client, world, utility, change, status, words):
    answer = post(client, "/asks", body(world) | change, utility)
    assert answer.status_code == status and words in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "asks?state=SUBMITED",
        "asks?page_size=all",
        "asks?page_size=0",
        "bids?state=x",
        "commits?cancelled=x",
        "alarms?open=x",
    ],
)
def test_a_word_that_no_row_can_have_is_no_empty_list(client, utility, query):
    answer = client.get(f"{API}/{query}", headers=utility)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_bid_that_was_taken_back_stays_in_sight_and_is_refused_by_its_name(client, world, utility):
    ask = world.ask()
    bid = sent_bid(world, ask)
    operations.revoke_bid(bid=bid, at=world.at, actor="test")
    (seen,) = client.get(f"{API}/bids?ask={ask.reference}", headers=utility).json()["results"]
    assert (seen["id"], seen["state"]) == (bid.pk, "WITHDRAWN")
    refused = post(client, f"/bids/{bid.pk}/accept", {}, utility)
    assert (refused.status_code, refused.json()["code"]) == (409, "bid_revoked")


def test_a_webhook_for_an_event_that_nobody_tells_is_refused(client, utility):
    answer = post(client, "/webhooks", {"url": "https://example.com/x", "events": ["bid.submited"]}, utility)
    assert answer.status_code == 400 and "known are" in answer.content.decode()


def test_an_envelope_without_a_forecast_is_not_an_empty_answer(client, world, utility):
    path = f"{API}/grid/{world.point.feeder.code}/envelope?date=2016-09-01"
    answer = client.get(path, headers=utility)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_forecast")


def test_the_description_holds_every_refusal_and_what_may_be_missing(client):
    said = client.get(f"{API}/schema?format=json", headers=aggregator_headers()).json()
    for path, operations_ in said["paths"].items():
        for method, one in operations_.items():
            assert {"400", "401", "403", "404"} <= set(one["responses"]), (path, method)
    award = said["components"]["schemas"]["Award"]["properties"]
    assert all(award[name]["nullable"] for name in ("ask", "option", "activation_pu", "kvar", "cancelled_at"))
    names = [one["name"] for one in said["paths"]["/api/v1/asks"]["get"]["parameters"]]
    assert {"date", "state", "utility"} <= set(names)
    report = said["paths"]["/api/v1/performance-reports/{reference}"]["get"]["responses"]["200"]["content"]
    assert {"application/json", "application/pdf"} <= set(report)
