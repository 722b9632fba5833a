"""OAuth2 client credentials beside the fixed tokens."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from oauth2_provider.models import AccessToken

from vpp.accounts.models import ApiClient

TOKEN = "/oauth2/token"


@pytest.fixture
def credentials(db: None) -> tuple[str, str]:
    out = StringIO()
    words = ["dso.example", "--kind", "UTILITY", "--scope", "read", "--scope", "asks:write", "--oauth"]
    call_command("create_client", *words, stdout=out)
    lines = dict(line.split() for line in out.getvalue().splitlines())
    return lines["client_id"], lines["client_secret"]


def ask_token(client, name, secret, **more):
    data = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret} | more
    return client.post(TOKEN, data)


def test_a_token_opens_the_api_with_the_clients_scopes(client, credentials):
    answer = ask_token(client, *credentials).json()
    assert answer["expires_in"] == 3600
    assert set(answer["scope"].split()) == {"read", "asks:write"}
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert client.get("/api/v1/asks", headers=headers).status_code == 200
    assert client.post("/api/v1/asks", {}, content_type="application/json", headers=headers).json()["code"] == "invalid"


def test_basic_authentication_is_taken_too(client, credentials):
    basic = b64encode(":".join(credentials).encode()).decode()
    answer = client.post(TOKEN, {"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 200


def test_a_narrower_scope_narrows_the_token(client, credentials):
    token = ask_token(client, *credentials, scope="read").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/asks", headers=headers).status_code == 200
    refused = client.post("/api/v1/asks", {}, content_type="application/json", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"scope": "awards:write"}, 400, "invalid_scope"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, None),
    ],
)
def test_a_wrong_request_gets_the_standards_error(client, credentials, change, status, error):
    answer = ask_token(client, *credentials, **change)
    assert answer.status_code == status
    assert error is None or answer.json()["error"] == error


def test_an_expired_token_and_one_of_an_ended_client_are_refused(client, credentials):
    token = ask_token(client, *credentials).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    ApiClient.objects.update(active=False)
    assert client.get("/api/v1/asks", headers=headers).status_code == 401
    ApiClient.objects.update(active=True)
    row = AccessToken.objects.get()
    row.expires -= timedelta(hours=2)
    row.save()
    assert client.get("/api/v1/asks", headers=headers).status_code == 401


def test_the_secret_is_kept_as_a_hash(credentials):
    from oauth2_provider.models import Application

    assert credentials[1] not in Application.objects.get().client_secret
