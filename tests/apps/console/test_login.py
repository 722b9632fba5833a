"""Logging in by the rules of OWASP ASVS level 2: throttled, rotated, ended when idle, with a second factor."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.apps.console.makers import client_for, make_user
from vpp.accounts import throttle
from vpp.accounts.models import AuditEvent, LoginThrottle, Participant
from vpp.console import middleware

pytestmark = pytest.mark.django_db
PASSWORD = "a sentence about ducks"


@pytest.fixture
def ada():
    user = make_user("ada", Participant.Kind.AGGREGATOR)
    user.set_password(PASSWORD)
    user.save()
    return user


def try_password(client: Client, password: str, **extra: str):
    return client.post("/login/", {"username": "ada", "password": password} | extra)


def code_of(user) -> str:
    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, step=device.step, t0=device.t0, digits=device.digits, drift=device.drift):06d}"


def set_up(client: Client, user) -> list[str]:
    """A confirmed second factor; the backup codes that were shown."""
    assert b"data:image/svg+xml" in client.get("/account/two-factor/").content
    body = client.post("/account/two-factor/", {"code": code_of(user)}).content.decode()
    assert "Backup codes" in body
    codes = list(StaticToken.objects.filter(device__user=user).values_list("token", flat=True))
    assert len(codes) == 10 and all(code in body for code in codes)
    TOTPDevice.objects.update(last_t=-1)  # the next code may be the same one; a test does not wait half a minute
    return codes


def test_the_session_gets_a_new_key_when_it_opens(ada):
    client = Client()
    client.get("/login/")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    before = session.session_key
    assert try_password(client, PASSWORD).status_code == 302
    assert client.session.session_key != before


def test_guessing_has_to_wait_and_an_honest_try_after_the_wait_works(ada):
    client = Client()
    for _number in range(5):
        assert b"do not belong together" in try_password(client, "wrong").content
    assert b"Too many wrong tries" in try_password(client, PASSWORD).content
    LoginThrottle.objects.update(locked_until=datetime.now(UTC) - timedelta(seconds=1))
    assert try_password(client, PASSWORD).status_code == 302
    assert not LoginThrottle.objects.filter(key="name:ada").exists()


def test_waits_grow_to_a_quarter_of_an_hour_and_addresses_have_patience():
    at, waits = datetime(2026, 1, 1, tzinfo=UTC), []
    for number in range(12):
        throttle.note_failure(throttle.keys_of("Ada ", "10.0.0.1"), at + timedelta(seconds=number))
        waits.append(throttle.waiting_s(throttle.keys_of("ada", ""), at + timedelta(seconds=number)))
    assert waits[3] == 0 and waits[4] == 31 and waits[5] == 61 and waits[-1] == 901
    assert throttle.waiting_s(["address:10.0.0.1"], at) == 0


def test_an_idle_session_ends_and_refreshing_alone_does_not_keep_it(ada, settings):
    client = client_for(ada)
    assert client.get("/account/").status_code == 200
    session = client.session
    session[middleware.SEEN] = time.time() - settings.SESSION_IDLE_S + 5
    session.save()
    client.get("/account/", headers={"X-Live": "1"})
    assert client.session[middleware.SEEN] < time.time() - 60
    session = client.session
    session[middleware.SEEN] = time.time() - settings.SESSION_IDLE_S - 5
    session.save()
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize(
    "password",
    ["short", "123456789012", "passwordpassword", "Virtual-Power-Plant-1", "kraftwerk2026", "aaaaaaaaaaaaaaaa", "ada"],
)
def test_weak_passwords_are_refused(password, ada):
    with pytest.raises(ValidationError):
        validate_password(password, ada)


@pytest.mark.parametrize("password", [PASSWORD, "x" * 20 + "-Ünïcode ist gut", "quartz owl 7 lantern"])
def test_long_ones_need_no_special_characters(password, ada):
    validate_password(password, ada)


def test_a_new_password_ends_the_other_sessions(ada):
    mine, other = client_for(ada), client_for(ada)
    new = "another sentence, of geese"
    typed = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert mine.post("/account/password/", typed).status_code == 302
    assert mine.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302
    assert AuditEvent.objects.filter(action="user.password_changed").exists()


def test_with_a_second_factor_the_password_alone_opens_nothing(ada):
    codes = set_up(client_for(ada), ada)
    client = Client()
    assert try_password(client, PASSWORD)["Location"] == "/login/code/"
    assert client.get("/account/").status_code == 302
    assert client.post("/login/code/", {"code": "000000"}).status_code == 422
    for kind in (TOTPDevice, StaticDevice):  # a wrong code counts against both
        kind.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert client.post("/login/code/", {"code": code_of(ada)}).status_code == 302
    assert client.get("/account/").status_code == 200
    for expected in (302, 422):  # a backup code is good once
        again = Client()
        try_password(again, PASSWORD)
        assert again.post("/login/code/", {"code": codes[0]}).status_code == expected


def test_codes_cannot_be_guessed_quickly(ada):
    set_up(client_for(ada), ada)
    client = Client()
    try_password(client, PASSWORD)
    client.post("/login/code/", {"code": "000000"})
    assert client.post("/login/code/", {"code": code_of(ada)}).status_code == 422


def test_the_code_page_needs_a_password_first_and_goes_nowhere_else(ada):
    assert Client().get("/login/code/").status_code == 302
    set_up(client_for(ada), ada)
    client = Client()
    client.post("/login/?next=https://evil.example/", {"username": "ada", "password": PASSWORD})
    assert client.post("/login/code/", {"code": code_of(ada)})["Location"] == "/"


def test_staff_must_set_it_up_where_it_is_required(ada, settings):
    settings.REQUIRE_TWO_FACTOR = True
    client = client_for(ada)
    assert client.get("/")["Location"] == "/account/two-factor/"
    assert client.get("/api/v1/portfolios").status_code == 403
    set_up(client, ada)
    assert client.get("/").status_code == 200
    owner = client_for(make_user("olga", Participant.Kind.OWNER))
    assert owner.get("/payouts/").status_code == 200


def test_the_admin_has_no_login_of_its_own():
    assert Client().get("/admin/login/")["Location"].startswith("/login/")


def test_the_factor_is_removed_with_the_password_only(ada):
    client = client_for(ada)
    set_up(client, ada)
    client.post("/account/two-factor/remove/", {"password": "wrong"})
    assert TOTPDevice.objects.filter(user=ada).exists()
    body = client.post("/account/two-factor/codes/", {"password": PASSWORD}).content.decode()
    assert "Backup codes" in body
    client.post("/account/two-factor/remove/", {"password": PASSWORD})
    assert not TOTPDevice.objects.filter(user=ada).exists()
