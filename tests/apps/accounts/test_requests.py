"""Requests that nobody needs are answered with what is wrong with them, and not with an error of ours."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from django.test import Client

from tests.factories import make_client
from vpp.accounts.models import Participant
from vpp.jobs import web

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {make_client(kind=Participant.Kind.UTILITY, scopes=('read', 'asks:write'))[1]}"}


@pytest.mark.parametrize("url", ["/api/v1/devices/%00", "/api/v1/asks?reference=%00", "/fleet/?q=%00", "/asks/a%00b/"])
def test_a_nul_in_an_address_is_a_bad_request(client: Client, headers: dict[str, str], url: str) -> None:
    assert client.get(url, headers=headers).status_code == 400


def test_a_nul_in_a_form_is_a_bad_request(client: Client) -> None:
    typed = "username=a%00&password=b"
    answer = client.post("/login/", typed, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400


@pytest.mark.parametrize("body", ["[" * 20_000, "[]", "5", "null", '{"profile": '])
@pytest.mark.parametrize("path", ["baselines", "components", "asks"])
def test_a_body_that_is_no_object_is_a_bad_request(client, headers, path, body) -> None:
    answer = client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
    assert answer.status_code == 400 and answer.json()["code"]


def test_a_body_beyond_the_limit_is_not_read(client, headers, settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = json.dumps({"reference": "x" * 1000})
    answer = client.post("/api/v1/asks", body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(("proxy", "told"), [("", "127.0.0.1 http"), ("127.0.0.1", "192.0.2.7 https")])
def test_whose_request_it_is_comes_from_the_trusted_proxy_alone(monkeypatch, settings, proxy, told) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}".encode()]

    monkeypatch.setattr("django.core.wsgi.get_wsgi_application", lambda: app)
    settings.TRUSTED_PROXY = proxy
    with web.WebServer("127.0.0.1:0", threads=1) as server:
        forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        with urllib.request.urlopen(urllib.request.Request(server.url, headers=forwarded), timeout=5) as answer:
            assert answer.read().decode() == told
