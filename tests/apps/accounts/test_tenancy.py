"""Nobody sees across: every list starts from what the caller may see, and nobody gets in without a token."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from tests.factories import make_client, make_device, make_site
from vpp.accounts import operations
from vpp.accounts.models import ApiClient, Participant, User

pytestmark = pytest.mark.django_db


def api(token: str = "") -> APIClient:
    client = APIClient()
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.mark.parametrize("path", ["sites", "devices", "portfolios"])
def test_without_a_token_there_is_no_answer(path):
    answer = api().get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("token", ["", "x", "vpp_", "vpp_abc_def", "vpp_abc_\x00"])
def test_a_wrong_token_is_refused_and_never_an_error_of_ours(token):
    answer = api(token or "nothing").get("/api/v1/sites")
    assert answer.status_code == 401


def test_the_aggregator_sees_all_an_owner_their_own_a_utility_no_homes():
    mine, other = make_site(), make_site()
    make_device(site=mine)
    make_device(site=other)
    _, everything = make_client(kind=Participant.Kind.AGGREGATOR)
    _, utility = make_client(kind=Participant.Kind.UTILITY)
    _, own = operations.create_client(
        participant=mine.owner, name="app", scopes=["read"], at=datetime(2016, 1, 1, tzinfo=UTC)
    )
    assert [api(token).get("/api/v1/devices").json()["count"] for token in (everything, own, utility)] == [2, 1, 0]
    assert api(own).get(f"/api/v1/sites/{other.code}").status_code == 404
    assert api(utility).get("/api/v1/portfolios").json()["count"] == 0


def test_a_revoked_token_opens_nothing():
    client, token = make_client()
    ApiClient.objects.filter(pk=client.pk).update(active=False)
    assert api(token).get("/api/v1/sites").status_code == 401


def test_only_a_hash_of_the_token_is_kept():
    client, token = make_client()
    assert token not in str(ApiClient.objects.filter(pk=client.pk).values().get())


def test_a_role_gives_its_scopes_and_no_more():
    trader = User(role=User.Role.TRADER, is_active=True)
    assert trader.has_scope("awards:write")
    assert not trader.has_scope("asks:write")
    assert not User(role=User.Role.TRADER, is_active=False).has_scope("awards:write")
