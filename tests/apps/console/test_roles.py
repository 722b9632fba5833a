"""Who gets in, and who sees what."""

from __future__ import annotations

import pytest
from django.test import Client

from bidding.models import Bid
from tests.apps.console.makers import (
    REPORTS,
    World,
    client_for,
    day_url,
    make_dead_job,
    make_user,
    page,
)
from vpp.accounts.models import Participant, User
from vpp.jobs.models import Job
from vpp.settlement.models import Payout, Performance

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
    payout, performance = Payout.objects.earliest("pk"), Performance.objects.earliest("pk")
    staff_only = {"staff": 200}
    utilities = {"staff": 200, "utility": 200, "other_utility": 200}
    device = next(one for one in world.devices if one.site.owner == payout.owner)
    expected = {
        "/": {"staff": 200, "utility": 302, "other_utility": 302, "owner": 302},
        day_url(world): staff_only,
        "/day/": {"staff": 302},
        "/bids/": staff_only,
        f"/bids/{world.portfolio.code}/{world.day.date}/": staff_only,
        "/asks/": utilities,
        f"/asks/{world.ask.reference}/": {"staff": 200, "utility": 200, "other_utility": 404},
        "/asks/new/": {},  # needs a role as well, below
        "/grid/": utilities,
        f"/grid/{world.portfolio.feeder_code}/": {"staff": 200, "utility": 200, "other_utility": 404},
        "/reports/": utilities,
        "/fleet/": {"staff": 200, "owner": 200},
        f"/fleet/device/{device.code}/": {"staff": 200, "owner": 200},
        f"/fleet/device/{device.code}/opt-out/": {"owner": 200},
        f"/fleet/device/{device.code}/terms/": {"owner": 200},
        f"/fleet/change/suspend/?device={device.code}": {},
        "/payouts/": {"staff": 200, "owner": 200},
        f"/payouts/{payout.pk}/": {"staff": 200, "owner": 200},
        "/settlement/": staff_only,
        f"/settlement/{performance.run_id}/": staff_only,
        f"/settlement/awards/{performance.pk}/": staff_only,
        "/ledger/": staff_only,
        "/forecasts/": staff_only,
        "/alarms/": staff_only,
        "/bids/what-if/": staff_only,
        "/bids/replays/": staff_only,
        "/fleet/feeders/": staff_only,
        f"/fleet/feeders/{world.portfolio.feeder_code}/": staff_only,
        "/fleet/changes/": staff_only,
        **{
            f"/{where}/{Job.objects.filter(kind=kind).earliest('pk').pk}/": staff_only
            for where, kind in REPORTS.items()
        },
        "/settlement/review/": staff_only,
        "/settlement/certifications/": staff_only,
        "/disputes/": utilities,
        "/statements/": {"staff": 200, "owner": 200},
        "/enrollment/": staff_only,
        f"/enrollment/sites/{device.site.code}/": staff_only,
        "/enrollment/new/": {},  # needs a role as well, below
        "/enrollment/import/": {},
        "/enrollment/eligibility/": staff_only,
        "/system/": staff_only,
        "/system/audit/": staff_only,
        "/api/v1/docs": dict.fromkeys(ROLES, 200),
    }
    got = {url: client.get(url).status_code for url in expected}
    assert got == {url: roles.get(role, 403) for url, roles in expected.items()}


STAFF_ACTIONS = {
    "VIEWER": set(), "SETTLEMENT": {"make", "decide"}, "GRID": set(),
    "TRADER": {"withdraw", "night", "hold", "release", "edit", "replay"},
    "OPERATOR": {"suspend", "suspend_all", "opt_out", "retry", "enroll", "import", "step", "acknowledge",
                 "example", "readings", "terms"},
}  # fmt: skip


STAFF_ACTIONS["ADMIN"] = set().union(*STAFF_ACTIONS.values())


@pytest.mark.parametrize("role", list(STAFF_ACTIONS))
def test_each_action_of_staff_needs_its_role(role, world):
    user = make_user("actor", Participant.Kind.AGGREGATOR)
    User.objects.filter(pk=user.pk).update(role=role)
    client, device = client_for(user), world.devices[0]
    job = make_dead_job(world.after)
    bid = Bid.objects.filter(ask=None).earliest("pk")
    answers = {
        "withdraw": client.get(f"/bids/{bid.pk}/withdraw/"),
        "hold": client.get(f"/bids/{bid.pk}/hold/"),
        "release": client.get(f"/bids/{bid.pk}/release/"),
        "edit": client.get(f"/bids/{bid.pk}/edit/"),
        "replay": client.post("/bids/replays/", {}),
        "suspend_all": client.get("/fleet/change/suspend/?all=1&kind=ALL"),
        "acknowledge": client.post("/alarms/acknowledge/", {}),
        "make": client.post("/statements/make/", {}),
        "decide": client.get("/settlement/review/1/release/"),
        "suspend": client.get(f"/fleet/change/suspend/?device={device.code}"),
        "opt_out": client.get(f"/fleet/device/{device.code}/opt-out/"),
        "terms": client.get(f"/fleet/device/{device.code}/terms/"),
        "retry": client.post(f"/system/jobs/{job.pk}/retry/"),
        "enroll": client.get("/enrollment/new/"),
        "import": client.get("/enrollment/import/"),
        "example": client.get(f"/enrollment/sites/{device.site.code}/readings/example/"),
        "readings": client.post(f"/enrollment/sites/{device.site.code}/readings/"),
        "step": client.post(f"/enrollment/sites/{device.site.code}/?step=devices", {}),
        "night": client.get("/bids/night/"),
        "ask": client.get("/asks/new/"),
        "answer": client.get(f"/bids/{bid.pk}/answer/accept/"),
    }
    assert {name for name, answer in answers.items() if answer.status_code != 403} == STAFF_ACTIONS[role]


def test_what_changes_something_is_not_done_by_a_link(staff, world):
    """A GET asks or is refused; only a POST with a token of ours changes anything."""
    job = make_dead_job(world.after)
    assert staff.get(f"/system/jobs/{job.pk}/retry/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="ada"))
    for url in (f"/system/jobs/{job.pk}/retry/", f"/fleet/change/suspend/?device={world.devices[0].code}"):
        assert strict.post(url, {"device": world.devices[0].code}).status_code == 403
    job.refresh_from_db()
    assert job.state == "DEAD"


def test_a_dead_job_is_tried_again(staff, world):
    job = make_dead_job(world.after)
    assert job.natural_key in page(staff, "/system/")
    assert "is tried again" in staff.post(f"/system/jobs/{job.pk}/retry/", follow=True).content.decode()
    job.refresh_from_db()
    assert job.state == "PENDING"
    assert "job.retried" in page(staff, "/system/audit/?action=job.")


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
