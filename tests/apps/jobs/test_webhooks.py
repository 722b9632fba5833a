"""Webhooks: signed, repeated until taken, to public addresses only."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

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
    [
        "http://example.org/x", "https://example.org:99999/x", "https://[64:ff9b::a00:7]/x", "https://127.0.0.1/x", "https://10.0.0.7/x", "https://[::1]/x", "https://localhost/x",
    ],
)  # fmt: skip
def test_private_and_plain_addresses_are_refused(client, utility, settings, url):
    settings.WEBHOOK_PRIVATE = False
    answer = client.post("/api/v1/webhooks", {"url": url}, content_type=JSON, headers=utility[1])
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("bad_webhook", "invalid")


class TlsReceiver:
    """An https receiver on this machine for `hooks.example`; `told`: the TLS names and Host headers it was called by."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str | None] = []
        self.certificate = folder / "hooks.pem"
        _certify("hooks.example", self.certificate)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.told.append(self.headers["Host"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        context.sni_callback = lambda _, name, __: self.told.append(name)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _certify(name: str, path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))


class Names:
    """In place of socket.getaddrinfo for `hooks.example`: what it stands for, one answer after the other."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.real = list(answers), socket.getaddrinfo

    def look_up(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host == "hooks.example":
            host = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return self.real(host, port, *args, **options)


def test_a_delivery_goes_to_the_address_that_was_checked(client, utility, settings, monkeypatch):
    settings.WEBHOOK_PRIVATE = False
    names, called = Names("93.184.216.34", "93.184.216.34", "127.0.0.1"), []

    def connect(self: socket.socket, address: Any) -> None:
        called.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    monkeypatch.setenv("no_proxy", "hooks.example")
    hook = {"url": "https://hooks.example/x"}
    assert client.post("/api/v1/webhooks", hook, content_type=JSON, headers=utility[1]).status_code == 201
    publish(utility[0])
    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", connect)
        operations.run_pending()
    assert called == ["93.184.216.34"]
    again()
    row = WebhookDelivery.objects.get()
    assert (row.state, row.answer) == ("REFUSED", "hooks.example is not a public address")


def test_the_receiver_is_called_by_its_name(client, utility, monkeypatch, tmp_path):
    receiver = TlsReceiver(tmp_path)
    monkeypatch.setattr(socket, "getaddrinfo", Names("127.0.0.1").look_up)
    monkeypatch.setenv("no_proxy", "hooks.example")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(receiver.certificate))
    port = receiver.server.server_port
    hook = {"url": f"https://hooks.example:{port}/x"}
    assert client.post("/api/v1/webhooks", hook, content_type=JSON, headers=utility[1]).status_code == 201
    publish(utility[0])
    again()
    receiver.server.shutdown()
    receiver.server.server_close()
    assert (WebhookDelivery.objects.get().answer, receiver.told) == ("200", ["hooks.example", f"hooks.example:{port}"])
