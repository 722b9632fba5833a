"""What tired people type: decimals with a comma, numbers that mean two things, a form whose session has ended."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from bidding.models import Ask
from tests.apps.console.makers import client_for, make_user
from tests.apps.console.test_utility_pages import typed
from vpp.accounts.models import Participant, User
from vpp.console import middleware, unsent
from vpp.console.numbers import AmountField, NumberField, TypedNumber, plain_number

pytestmark = pytest.mark.django_db
PASSWORD = "a sentence about ducks"


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en", "36,5", 36.5), ("en", "36.5", 36.5), ("en", " 1 234.5 ", 1234.5), ("en", "−3", -3.0), ("en", "1.234", 1.234),
        ("en", "0,125", 0.125), ("de", "36,5", 36.5), ("de", "36.5", 36.5), ("de", "1,234", 1.234), ("de", "1e3", 1000.0),
    ],
)  # fmt: skip
def test_a_point_and_a_comma_are_decimals(language: str, text: str, value: float):
    with translation.override(language):
        assert NumberField().clean(text) == value
        assert AmountField().clean(text) == Decimal(str(value)).normalize()


@pytest.mark.parametrize(
    ("language", "text"), [("en", "1,234"), ("en", "1.234,5"), ("en", "1,234,567"), ("de", "1.234"), ("de", "1,234.5")]
)
def test_what_can_be_read_in_two_ways_is_refused(language: str, text: str):
    with translation.override(language), pytest.raises(ValidationError) as refused:
        plain_number(text)
    assert text in refused.value.message and refused.value.message.endswith(
        "write 1234.5 for it." if language == "en" else "schreiben Sie 1234,5."
    )


@pytest.mark.parametrize("value", [12.345, 1234567.0, Decimal("0.12345"), Decimal("70.00"), 3999.995])
@pytest.mark.parametrize("language", ["en", "de"])
def test_what_a_form_shows_it_reads_again(language: str, value: float | Decimal):
    with translation.override(language):
        shown = TypedNumber().format_value(value)
        assert Decimal(plain_number(str(shown))) == Decimal(str(value))
        assert TypedNumber().format_value("as typed") == "as typed"


def test_an_ask_takes_commas(world):
    client = planner_of(world)
    sent = typed(world, quantity="20,5 30,5 1 0", ceiling_price="99,9")
    assert client.post("/asks/new/", sent).status_code == 302
    ask = Ask.objects.get(reference="A-1")
    assert ask.quantity_kw[68:72] == [20.5, 30.5, 1.0, 0.0] and ask.ceiling_price_per_mwh == 99.9


def planner_of(world, *, password: str = "") -> Client:
    user = make_user("paul", None, participant=world.utility)
    User.objects.filter(pk=user.pk).update(role="UTILITY_PLANNER")
    if password:
        user.refresh_from_db()
        user.set_password(password)
        user.save()
    return client_for(user)


def test_a_form_sent_after_its_session_ended_waits_until_its_sender_is_back(world, settings):
    client = planner_of(world, password=PASSWORD)
    client.get("/asks/new/")
    end_session(client, settings)
    answer = client.post("/asks/new/", typed(world, csrfmiddlewaretoken="x"))
    assert answer["Location"] == "/login/?next=/unsent/" and not Ask.objects.filter(reference="A-1").exists()
    assert "what you typed is kept" in client.get(answer["Location"]).content.decode()
    back = client.post(answer["Location"], {"username": "paul", "password": PASSWORD, "next": "/unsent/"}, follow=True)
    body = back.content.decode()
    assert 'action="/asks/new/"' in body and 'name="reference" value="A-1"' in body and 'value="x"' not in body
    assert client.post("/asks/new/", typed(world)).status_code == 302
    assert Ask.objects.filter(reference="A-1").exists()
    assert client.get("/unsent/")["Location"] == "/", "it is sent once"


def end_session(client: Client, settings) -> None:
    session = client.session
    session[middleware.SEEN] -= settings.SESSION_IDLE_S + 1
    session.save()


def test_nobody_else_sees_what_was_typed_and_no_old_thing_is_sent(world, settings):
    client = planner_of(world, password=PASSWORD)
    client.get("/asks/new/")
    end_session(client, settings)
    client.post("/asks/new/", typed(world))
    other = make_user("anna", None, participant=world.utility)
    other.set_password(PASSWORD)
    other.save()
    client.post("/login/", {"username": "anna", "password": PASSWORD})
    assert client.get("/unsent/")["Location"] == "/"
    session = client.session
    session[unsent.KEY] |= {"user": None, "at": session[unsent.KEY]["at"] - unsent.KEPT_S}
    session.save()
    assert client.get("/unsent/")["Location"] == "/"


def test_it_waits_through_the_second_factor_too(world, settings):
    client = planner_of(world, password=PASSWORD)
    device = TOTPDevice.objects.create(user=User.objects.get(username="paul"), confirmed=True, name="x")
    client.get("/asks/new/")
    end_session(client, settings)
    client.post("/asks/new/", typed(world))
    client.post("/login/?next=/unsent/", {"username": "paul", "password": PASSWORD})
    code = f"{totp(device.bin_key, step=device.step, t0=device.t0, digits=device.digits, drift=device.drift):06d}"
    assert client.post("/login/code/", {"code": code})["Location"] == "/unsent/"
    assert 'name="reference" value="A-1"' in client.get("/unsent/").content.decode()


def test_a_file_is_chosen_again_and_a_question_goes_where_it_was_asked():
    client = Client()
    assert client.get("/bids/?date=2016-03-10")["Location"] == "/login/?next=/bids/%3Fdate%3D2016-03-10"
    make_user("ada", Participant.Kind.AGGREGATOR, admin=True)
    from django.core.files.uploadedfile import SimpleUploadedFile

    client.post("/enrollment/import/", {"files": SimpleUploadedFile("owners.csv", b"code,name\n")})
    client.force_login(User.objects.get(username="ada"))
    body = client.get("/unsent/").content.decode()
    assert "choose them again" in body and 'href="/enrollment/import/"' in body
