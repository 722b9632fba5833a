"""Webhooks: signed, repeated until taken, to public addresses only."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.factories import make_client
from vpp.accounts.models import Participant
from vpp.jobs import operations, webhooks
from vpp.jobs.models import Job, WebhookDelivery
from vpp.lib import clock

JSON = "application/json"


class Receiver:
    """A receiver on this machine that can be told to be down."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[Any] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def utility(db: None, settings) -> tuple[Participant, dict[str, str]]:
    settings.WEBHOOK_PRIVATE = True
    client, token = make_client(kind=Participant.Kind.UTILITY, scopes=("read",))
    return client.participant, {"Authorization": f"Bearer {token}"}


def subscribe(client, utility, receiver, **fields):
    body = {"url": receiver.url} | fields
    return client.post("/api/v1/webhooks", body, content_type=JSON, headers=utility[1])


def publish(participant, event="bid.submitted", subject="1:2"):
    return webhooks.publish(participant=participant, event=event, subject=subject, data={"bid": 2}, at=clock.now())


def again() -> None:
    Job.objects.filter(state="PENDING").update(run_after=operations.wall_now())
    operations.run_pending()


def test_an_event_is_delivered_signed(client, utility, receiver):
    answer = subscribe(client, utility, receiver)
    assert answer.status_code == 201
    publish(utility[0])
    again()
    ((headers, body),) = receiver.got
    unix, digest = (part.split("=")[1] for part in headers["X-VPP-Signature"].split(","))
    secret = answer.json()["secret"].encode()
    assert hmac.compare_digest(digest, hmac.new(secret, f"{unix}.".encode() + body, hashlib.sha256).hexdigest())
    assert json.loads(body)["event"] == "bid.submitted"
    assert json.loads(body)["id"] == headers["X-VPP-Delivery"]


def test_a_down_receiver_gets_it_later_and_once(client, utility, receiver):
    subscribe(client, utility, receiver)
    receiver.status = 503
    publish(utility[0])
    again()
    again()
    assert WebhookDelivery.objects.get().attempts == 2
    receiver.status = 200
    again()
    again()
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, len(receiver.got)) == ("DELIVERED", 3, 1)


def test_nobody_listening_is_a_down_receiver(client, utility, receiver):
    subscribe(client, utility, receiver)
    receiver.server.shutdown()
    receiver.server.server_close()
    publish(utility[0])
    again()
    assert WebhookDelivery.objects.get().state == "PENDING"


def test_a_refusal_is_final(client, utility, receiver):
    subscribe(client, utility, receiver)
    receiver.status = 410
    publish(utility[0])
    again()
    again()
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts) == ("REFUSED", 1)


def test_an_address_that_became_private_is_refused_and_says_why(client, utility, receiver, settings):
    subscribe(client, utility, receiver)
    publish(utility[0])
    settings.WEBHOOK_PRIVATE = False
    again()
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.answer) == ("REFUSED", 1, "a webhook needs an https address")


def test_only_wanted_events_of_ones_own_come(client, utility, receiver):
    hook = subscribe(client, utility, receiver, events=["bid.submitted"]).json()
    publish(utility[0], "ask.asked")
    other, _ = make_client(kind=Participant.Kind.UTILITY)
    publish(other.participant)
    assert not WebhookDelivery.objects.exists()
    publish(utility[0])
    deliveries = client.get(f"/api/v1/webhooks/{hook['id']}/deliveries", headers=utility[1]).json()["results"]
    assert [row["event"] for row in deliveries] == ["bid.submitted"]
    assert client.delete(f"/api/v1/webhooks/{hook['id']}", headers=utility[1]).status_code == 204
    assert publish(utility[0], subject="3:4") == 0


def test_the_secret_can_be_changed(client, utility, receiver):
    hook = subscribe(client, utility, receiver).json()
    changed = client.post(f"/api/v1/webhooks/{hook['id']}/secret", headers=utility[1]).json()
    assert changed["secret"] != hook["secret"]
    _, token = make_client(kind=Participant.Kind.UTILITY)
    foreign = client.post(f"/api/v1/webhooks/{hook['id']}/secret", headers={"Authorization": f"Bearer {token}"})
    assert foreign.status_code == 404


@pytest.mark.parametrize(
    "url",
    ["http://example.org/x", "https://127.0.0.1/x", "https://10.0.0.7/x", "https://[::1]/x", "https://localhost/x"],
)
def test_private_and_plain_addresses_are_refused(client, utility, settings, url):
    settings.WEBHOOK_PRIVATE = False
    answer = client.post("/api/v1/webhooks", {"url": url}, content_type=JSON, headers=utility[1])
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("bad_webhook", "invalid")
