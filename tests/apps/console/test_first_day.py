"""A house in which nothing is enrolled yet: every page opens and says what to do next."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.apps.console.makers import client_for, make_user, page
from vpp.accounts.models import Participant, User
from vpp.settlement.models import Payout

pytestmark = pytest.mark.django_db
NEXT = {
    "/": ("import_markets", "/enrollment/import/", "/enrollment/new/"), "/day/": ("import_sites",),
    "/bids/": ("start it by hand",), "/bids/what-if/": ("import_markets",), "/bids/replays/": ("import_markets",),
    "/asks/": ("Utilities ask here",), "/fleet/": ("/enrollment/new/", "/enrollment/import/"),
    "/fleet/feeders/": ("/enrollment/new/",), "/grid/": ("import_network",), "/enrollment/": ("Start with a new site",),
    "/enrollment/eligibility/": ("import_markets", "/enrollment/import/"), "/statements/": ("with the form above",),
    "/forecasts/": ("every morning",), "/settlement/": ("after it has ended",), "/reports/": ("the day after delivery",),
    "/payouts/": (), "/ledger/": (), "/alarms/": (), "/disputes/": (), "/system/": (), "/system/audit/": (),
    "/settlement/review/": (), "/settlement/certifications/": (), "/fleet/changes/": (), "/enrollment/new/": (),
    "/enrollment/import/": (), "/account/": ("superuser",),
}  # fmt: skip


def test_every_page_of_an_empty_house_says_what_to_do_next():
    boss = client_for(User.objects.create(username="boss", is_staff=True, is_superuser=True))
    for url, words in NEXT.items():
        body = page(boss, url)
        assert [one for one in words if one not in body] == [], url
    told = boss.get("/bids/night/", follow=True).content.decode()
    assert "There is no market with a gate ahead" in told and "<h1>Bids" in told


def test_a_utility_and_an_owner_on_their_first_day():
    asks = page(client_for(make_user("dso", Participant.Kind.UTILITY)), "/asks/")
    assert "Your planners and approvers make them" in asks
    fleet = page(client_for(make_user("olga", Participant.Kind.OWNER)), "/fleet/")
    assert "the aggregator does that with you" in fleet and "/enrollment/" not in fleet


def test_the_login_tells_how_the_first_account_is_made_and_only_then():
    assert "createsuperuser" in page(Client(), "/login/")
    make_user("ada", Participant.Kind.AGGREGATOR)
    assert "createsuperuser" not in page(Client(), "/login/")


def test_what_cannot_be_read_is_told_on_a_page_of_ours(settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    boss = client_for(make_user("boss", Participant.Kind.AGGREGATOR, admin=True))
    answer = boss.post("/alarms/acknowledge/", {"alarm": ["a", "b", "c"]})
    assert answer.status_code == 400 and b"could not be read" in answer.content


def test_an_owner_reads_a_payout_as_their_own_in_their_language(world):
    payout = Payout.objects.filter(performance__run=world.run, total__gt=0).earliest("pk")
    owner = client_for(make_user("olga", None, participant=payout.owner))
    owner.cookies["django_language"] = "de"
    body = page(owner, f"/payouts/{payout.pk}/")
    assert "an Sie</h1>" in body and "bekommen Sie" in body and payout.owner.code not in body.split("</h1>")[0]
    for word in ("Auszahlung", "Abrechnungslauf", "Erfüllung", "Nachtlauf", "Prognoselauf"):
        assert re.search(rf"{word} \d+", body), word
    assert "settlement run" not in body and "Der Erlös besteht aus" in body and "activated_energy" not in body
