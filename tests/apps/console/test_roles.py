"""Who gets in, and who sees what."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.apps.console.makers import (
    World,
    client_for,
    day_url,
    make_user,
    page,
)
from vpp.accounts.models import Participant
from vpp.settlement.models import Payout

pytestmark = pytest.mark.django_db


# --- who gets in


@pytest.mark.parametrize("url", ["/", "/day/", "/day/PF/2016-07-14/", "/asks/", "/asks/A/", "/payouts/", "/payouts/1/"])
def test_a_stranger_is_sent_to_the_login(url):
    response = Client().get(url)
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_the_login_form_lets_staff_in_and_names_what_is_wrong(world):
    user = make_user("ada", Participant.Kind.AGGREGATOR)
    user.set_password("a-long-password")
    user.save()
    client = Client()
    body = client.post("/login/", {"username": "ada", "password": "wrong"}).content.decode()
    assert "do not belong together" in body
    response = client.post("/login/", {"username": "ada", "password": "a-long-password"}, follow=True)
    assert "Alarms" in response.content.decode()
    assert client.post("/logout/").status_code == 302


ROLES = ["staff", "utility", "other_utility", "owner", "market", "nobody"]


def client_of_role(role: str, world: World) -> Client:
    owner = Payout.objects.earliest("pk").owner
    return client_for(
        {
            "staff": lambda: make_user("staff", Participant.Kind.AGGREGATOR),
            "utility": lambda: make_user("planner", None, participant=world.utility),
            "other_utility": lambda: make_user("stranger", Participant.Kind.UTILITY),
            "owner": lambda: make_user("owner", None, participant=owner),
            "market": lambda: make_user("market", Participant.Kind.MARKET),
            "nobody": lambda: make_user("nobody", None),
        }[role]()
    )


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_its_pages_and_nothing_else(role, world):
    client = client_of_role(role, world)
    payout = Payout.objects.earliest("pk")
    expected = {
        "/": {"staff": 200, "utility": 302, "other_utility": 302, "owner": 302},
        day_url(world): {"staff": 200},
        "/day/": {"staff": 302},
        "/asks/": {"staff": 200, "utility": 200, "other_utility": 200},
        f"/asks/{world.ask.reference}/": {"staff": 200, "utility": 200, "other_utility": 404},
        "/payouts/": {"staff": 200, "owner": 200},
        f"/payouts/{payout.pk}/": {"staff": 200, "owner": 200},
    }
    got = {url: client.get(url).status_code for url in expected}
    assert got == {url: roles.get(role, 403) for url, roles in expected.items()}


def test_a_utility_sees_its_ask_but_not_our_plan_people_or_payouts(world):
    body = page(client_for(make_user("planner", None, participant=world.utility)), f"/asks/{world.ask.reference}/")
    assert "Performance" in body
    for secret in (world.portfolio.code + " ", "<h3>Plan", "<h3>Payout", "client:", "/admin/", "owner-1"):
        assert secret not in body


def test_an_owner_sees_only_their_own_payouts(world):
    mine, other = sorted({payout.owner for payout in Payout.objects.select_related("owner")}, key=lambda o: o.code)
    client = client_for(make_user("owner", None, participant=mine))
    body = page(client, "/payouts/")
    assert mine.name in body and other.name not in body
    foreign = Payout.objects.filter(owner=other).earliest("pk")
    assert client.get(f"/payouts/{foreign.pk}/").status_code == 404


def test_the_refusal_is_a_page_of_ours(world):
    body = page(client_for(make_user("planner", None, participant=world.utility)), day_url(world), 403)
    assert "for the aggregator&#x27;s staff" in body
