"""What is refused before it is a message, what is never done twice, and what waits for a receiver that is down."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from io import StringIO

import pytest
import requests
from django.core.management import call_command
from django.test import Client
from shapeshifter_uftp.uftp import AcceptedRejected, FlexRequestISP, TestMessage

from bidding.models import Ask
from tests.apps.uftp.desk import URL, Desk, Reply, other_key
from vpp.jobs.models import Job
from vpp.lib import clock
from vpp.simulation.uftp_dso import keypair
from vpp.uftp import codec, outbox
from vpp.uftp.models import Counterparty, InMessage, OutMessage

INNER = "http://www.w3.org/2001/XMLSchema"


def stored() -> int:
    return InMessage.objects.count() + Ask.objects.count()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<SignedMessage/>",
        b"<Unknown SenderDomain='dso.example'/>",
        b"<SignedMessage SenderDomain='NOT A DOMAIN' SenderRole='DSO' Body='AAAA'/>",
        b"<SignedMessage SenderDomain='dso.example' SenderRole='KING' Body='AAAA'/>",
        b"<SignedMessage SenderDomain='dso.example' SenderRole='DSO' Body='AAAA' More='1'/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><SignedMessage SenderDomain='dso.example' SenderRole='DSO' Body='&b;'/>",
        b"<!doctype a><SignedMessage SenderDomain='dso.example' SenderRole='DSO' Body='AAAA'/>",
        "<?xml version='1.0' encoding='UTF-16'?><SignedMessage/>".encode("utf-16"),
        b"<?xml version='1.0' encoding='UTF-7'?><SignedMessage/>",
        b"<FlexRequestISP MinPower='1' MaxPower='1' Start='1'/>",
    ],
)
def test_a_malformed_envelope_is_400_and_nothing_is_stored(desk: Desk, data):
    assert desk.put(data).status_code == 400
    assert stored() == 0


def test_an_entity_bomb_is_refused_before_it_is_parsed(desk: Desk):
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE b [<!ENTITY e0 "boom">{levels}]><SignedMessage SenderDomain="&e11;"/>'
    assert desk.put(bomb.encode()).status_code == 400


def seal_text(desk: Desk, xml: str) -> bytes:
    """Any text as the inner message, with a good seal."""
    from base64 import b64decode

    from nacl.bindings import crypto_sign

    body = b64encode(crypto_sign(xml.encode(), b64decode(desk.private_key))).decode()
    return f'<SignedMessage SenderDomain="dso.example" SenderRole="DSO" Body="{body}"/>'.encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<FlexRequest ", "<!DOCTYPE x><FlexRequest "),
        ('MinPower="-10000"', 'MinPower="much"'),
        ('MinPower="-10000"', 'MinPower="-1.5"'),
        ('MinPower="-10000"', ""),
        ('Revision="1"', ""),
        ('Revision="1"', 'Revision="1" Colour="red"'),
        ('Period="2016-07-14"', 'Period="tomorrow"'),
        ('TimeZone="Europe/Berlin"', 'TimeZone="UTC"'),
        ('SenderDomain="dso.example"', 'SenderDomain="NOT A DOMAIN"'),
        ('Disposition="Requested"', 'Disposition="Wished"'),
        ('Start="73"', 'Start="0"'),
        ("<ISP ", "<Extra "),
        ("</FlexRequest>", ""),
    ],
)
def test_an_inner_message_outside_the_schema_is_400(desk: Desk, old, new):
    desk.seal(request := desk.request())
    xml = codec.write_message(request)
    assert old in xml
    assert desk.put(seal_text(desk, xml.replace(old, new))).status_code == 400
    assert stored() == 0


@pytest.mark.parametrize("digits", ["1.23456", "1e3", "NaN", "1,5"])
def test_a_price_with_too_many_decimals_or_none_at_all_is_400(desk: Desk, digits):
    order = desk.order(desk.offered())
    desk.seal(order)
    xml = codec.write_message(order).replace(f'Price="{order.price}"', f'Price="{digits}"')
    assert desk.put(seal_text(desk, xml)).status_code == 400


def test_headers_decide_first(desk: Desk):
    data = desk.seal(TestMessage())
    assert desk.put(data, "application/json").status_code == 400
    assert desk.put(data, "text/xml; charset=utf-16").status_code == 400
    assert desk.put(b" " * 1_000_001).status_code == 413
    assert Client().get(URL).status_code == 405
    assert Client().generic("POST", URL, data, content_type="text/xml", CONTENT_LENGTH="").status_code == 411
    assert stored() == 0


def test_a_wrong_key_is_401_and_an_unknown_sender_or_role_419(desk: Desk):
    assert desk.put(desk.seal(TestMessage(), key=other_key())).status_code == 401
    assert desk.put(desk.seal(TestMessage(), sender="other.example")).status_code == 419
    assert desk.put(desk.seal(TestMessage(), role="AGR")).status_code == 419
    assert desk.put(desk.seal(TestMessage(), role="CRO")).status_code == 419
    assert stored() == 0


def test_a_barred_sender_is_told_so(desk: Desk):
    Counterparty.objects.update(barred=True)
    desk.send(desk.request())
    assert desk.last("FlexRequestResponse").rejection_reason == "Barred Sender"


def test_a_message_that_is_not_for_an_aggregator_is_rejected(desk: Desk):
    offer = desk.offered()
    offer.message_id, offer.sender_domain, offer.recipient_domain = None, None, None
    desk.send(offer)
    assert desk.last("FlexOfferResponse").rejection_reason.startswith("Invalid Message")


def test_too_many_messages_are_429(desk: Desk, settings):
    settings.UFTP_MESSAGES_A_MINUTE = 2
    statuses = [desk.put(desk.seal(TestMessage())).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_replay_is_taken_and_does_nothing(desk: Desk):
    data = desk.seal(desk.request())
    assert [desk.put(data).status_code for _ in range(3)] == [200] * 3
    desk.work()
    assert (Ask.objects.count(), desk.count("FlexRequestResponse")) == (1, 1)


def test_the_same_id_with_other_content_is_a_duplicate_identifier(desk: Desk):
    first = desk.request()
    desk.send(first)
    isps = [FlexRequestISP(disposition="Requested", min_power=-5000, max_power=0, start=80)]
    other = desk.request(isps=isps, message_id=first.message_id, conversation_id=first.conversation_id)
    for _ in range(2):
        assert desk.send(other) == 200
    answer = desk.last("FlexRequestResponse")
    assert (answer.result, answer.rejection_reason) == (AcceptedRejected.REJECTED, "Duplicate Identifier")
    assert (Ask.objects.count(), desk.count("FlexRequestResponse")) == (1, 2)


def test_keys_are_changed_with_an_overlap(desk: Desk):
    private, public = keypair()
    out = StringIO()
    call_command("counterparty", "rotate", "dso.example", "--public-key", f"cs1.{public}", stdout=out)
    old, desk.private_key = desk.private_key, private
    assert desk.send(TestMessage()) == 200
    assert desk.send(TestMessage(), key=old) == 200
    clock.set_simulated(clock.now() + timedelta(days=8))
    assert desk.send(TestMessage(), key=old) == 401
    assert desk.send(TestMessage()) == 200
    call_command("counterparty", "list", stdout=out)
    assert public in out.getvalue()


def test_the_address_book_is_kept_by_command(db):
    out = StringIO()
    words = ["add", "grid.example", "--endpoint", "https://grid.example/shapeshifter/api/v3/message"]
    call_command(
        "counterparty", *words, "--public-key", keypair()[1], "--oauth", "https://t.example", "me", "s", stdout=out
    )
    counterparty = Counterparty.objects.get()
    assert counterparty.participant.kind == "UTILITY"
    assert "s" != counterparty.oauth_secret_sealed != ""
    for secret in ("kept", "kept", "another"):  # of keys that are added one after the other one is in use without end
        call_command("counterparty", *words, "--public-key", keypair(secret)[1], stdout=out)
    call_command(
        "counterparty", *words, "--public-key", keypair("later")[1], "--at", "2016-03-11T06:00+01:00", stdout=out
    )
    assert counterparty.keys.get(public_key=keypair("later")[1]).valid_from.isoformat() == "2016-03-11T05:00:00+00:00"
    call_command("counterparty", *words, "--public-key", keypair("another")[1], stdout=out)
    in_use = counterparty.keys.filter(valid_until__isnull=True)
    assert counterparty.keys.count() == 4 and in_use.get().public_key == keypair("another")[1]
    call_command("counterparty", "own-key", stdout=out)
    assert "cs1." in out.getvalue()


def retry_all() -> None:
    from vpp.jobs import operations

    Job.objects.filter(kind=outbox.SEND, state="PENDING").update(run_after=operations.wall_now())
    operations.run_pending()


def test_a_receiver_that_is_down_gets_everything_later(desk: Desk):
    desk.reply = Reply(503, "down")
    desk.send(TestMessage())
    row = OutMessage.objects.get()
    assert (row.state, row.attempts) == ("PENDING", 1)
    retry_all()
    desk.reply = Reply(200)
    retry_all()
    row.refresh_from_db()
    assert (row.state, row.attempts, desk.count("TestMessageResponse")) == ("SENT", 3, 1)


def test_after_an_hour_it_is_given_up(desk: Desk):
    desk.reply = Reply(503, "down")
    desk.send(TestMessage())
    OutMessage.objects.update(first_tried_at=OutMessage.objects.get().first_tried_at - timedelta(hours=1))
    retry_all()
    row = OutMessage.objects.get()
    assert row.state == "FAILED"
    assert "for an hour" in row.error


def test_a_final_refusal_is_not_repeated(desk: Desk):
    desk.reply = Reply(400, "schema")
    desk.send(TestMessage())
    retry_all()
    row = OutMessage.objects.get()
    assert (row.state, row.attempts) == ("FAILED", 1)


def test_the_bearer_token_of_an_endpoint_is_fetched(desk: Desk, monkeypatch):
    from vpp.uftp.keys import seal_secret

    Counterparty.objects.update(
        oauth_url="https://token.example", oauth_client_id="me", oauth_secret_sealed=seal_secret("secret")
    )
    seen = []

    class Token:
        status_code = 200

        def json(self) -> dict[str, str]:
            return {"access_token": "abc"}

    def post(url, data=None, headers=None, allow_redirects=True, **options):
        assert not allow_redirects, "a secret stays with the address it is meant for"
        seen.append((url, data if isinstance(data, dict) else headers["Authorization"]))
        return Token() if url == "https://token.example" else desk.post(url, data)

    monkeypatch.setattr(requests, "post", post)
    desk.send(TestMessage())
    assert seen[0][1]["client_secret"] == "secret"
    assert seen[1][1] == "Bearer abc"


def test_the_official_schema_is_checked_where_it_is_installed(desk: Desk, settings, tmp_path):
    (tmp_path / "test.xsd").write_text(
        f"<xs:schema xmlns:xs='{INNER}'><xs:element name='TestMessage'><xs:complexType>"
        "<xs:attribute name='Version' fixed='9.9.9'/></xs:complexType></xs:element></xs:schema>"
    )
    settings.UFTP_XSD_FOLDER = str(tmp_path)
    assert desk.put(desk.seal(TestMessage())).status_code == 400


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("FlexRequest", "flex_request_message_id"),
        ("FlexOrder", "flex_order_message_id"),
        ("FlexReservationUpdate", "flex_reservation_update_message_id"),
        ("FlexSettlement", "flex_settlement_message_id"),
        ("D-Prognosis", "d_prognosis_message_id"),
    ],
)
def test_answers_name_what_they_answer(kind, name):
    from dataclasses import fields

    assert codec.reference_field(kind) == name
    assert name in {field.name for field in fields(codec.answer_class(kind))}
