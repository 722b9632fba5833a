"""Statements, disputes, the review queue and certified baselines."""

from __future__ import annotations

import pytest

from tests.apps.console.makers import World, chart_of, client_for, make_user, page
from vpp.accounts.models import User
from vpp.settlement.models import (
    BaselineProfile,
    Certification,
    CertificationFit,
    Dispute,
    Payout,
    ReviewFinding,
    Statement,
)
from vpp.settlement.operations import take_utility_statement

pytestmark = pytest.mark.django_db


def owner_of(world: World):
    payout = Payout.objects.order_by("-amount")[0]
    user = make_user("olga", None, participant=payout.owner)
    User.objects.filter(pk=user.pk).update(role="OWNER")
    return payout.owner, client_for(user)


def test_a_statement_is_made_sent_and_accepted(staff, world):
    owner, client = owner_of(world)
    day = world.day.date.isoformat()
    assert "No statement yet" in page(client, "/statements/")
    body = staff.post("/statements/make/", {"first": day, "last": day}, follow=True).content.decode()
    assert "2 statements stand for this period" in body
    statement = Statement.objects.get(owner=owner)
    assert client.get(f"/statements/{statement.pk}/").status_code == 404  # not sent yet
    assert "It gets its number" in page(staff, f"/statements/{statement.pk}/send/")
    assert client.post(f"/statements/{statement.pk}/send/").status_code in (403, 404)
    staff.post(f"/statements/{statement.pk}/send/")
    body = page(client, f"/statements/{statement.pk}/")
    assert f"ask {world.ask.reference}" in body and "delivery day 14 Jul 2016" in body
    assert "Accept…" in body and "Dispute…" in body and "back to the readings" in body
    assert staff.post(f"/statements/{statement.pk}/accept/").status_code == 404
    client.post(f"/statements/{statement.pk}/dispute/", {"reason": "the meter stood still"})
    statement.refresh_from_db()
    assert statement.state == Statement.State.DISPUTED
    client.post(f"/statements/{statement.pk}/accept/", {"reason": "settled by phone"})
    assert "accepted" in page(client, "/statements/") and "the meter stood still" in page(
        staff, f"/statements/{statement.pk}/"
    )
    again = client.post(f"/statements/{statement.pk}/dispute/", {"reason": "x"}, follow=True).content.decode()
    assert "statement_step_refused" in again
    page(staff, f"/statements/{statement.pk}/eat/", 404)


def test_a_period_is_two_days_in_order(staff, world):
    body = staff.post("/statements/make/", {"first": "2016-07-14", "last": "2016-07-13"}, follow=True).content.decode()
    assert "in this order" in body


def test_nobody_reads_a_foreign_statement(staff, world):
    day = world.day.date.isoformat()
    staff.post("/statements/make/", {"first": day, "last": day})
    for statement in Statement.objects.all():
        staff.post(f"/statements/{statement.pk}/send/")
    owner, client = owner_of(world)
    foreign = Statement.objects.exclude(owner=owner).earliest("pk")
    assert client.get(f"/statements/{foreign.pk}/").status_code == 404
    assert foreign.owner.name not in page(client, "/statements/")


@pytest.fixture
def dispute(world) -> Dispute:
    row = f"order,date,isp,ordered_kw,delivered_kw\n{world.ask.reference},{world.day.date},73,110,20\n"
    take_utility_statement(utility=world.utility, reference="S-1", form="CSV", content=row, at=world.after)
    return Dispute.objects.get()


def test_a_dispute_shows_both_sides_and_is_answered(staff, world, dispute):
    assert "No. " in page(staff, "/disputes/")
    body = page(staff, f"/disputes/{dispute.pk}/")
    assert "delivered" in body and "What was said" in body and ">73<" in body
    staff.post(f"/disputes/{dispute.pk}/", {"state": "ANSWERED", "text": "see our readings"})
    planner = make_user("paula", None, participant=world.utility)
    User.objects.filter(pk=planner.pk).update(role="UTILITY_PLANNER")
    theirs = client_for(planner)
    assert "see our readings" in page(theirs, f"/disputes/{dispute.pk}/")
    theirs.post(f"/disputes/{dispute.pk}/", {"state": "RESOLVED", "text": "agreed"})
    assert Dispute.objects.get().state == "RESOLVED"
    again = staff.post(f"/disputes/{dispute.pk}/", {"state": "OPEN", "text": "x"}, follow=True).content.decode()
    assert "dispute_step_refused" in again


def test_a_finding_is_released_or_confirmed_with_a_reason(staff, world):
    device = world.devices[6]
    finding = ReviewFinding.objects.create(
        kind="WINDOW_RAISED", owner=device.site.owner, site=device.site, device=device, delivery_date=world.day.date,
        found_at=world.after, evidence={"z": 4.2, "like_days": 10},
    )  # fmt: skip
    body = page(staff, "/settlement/review/")
    assert "far above like days" in body and "z: 4.2" in body and "Release…" in body
    assert "Say why" in staff.post(f"/settlement/review/{finding.pk}/release/", follow=True).content.decode()
    staff.post(f"/settlement/review/{finding.pk}/release/", {"reason": "a new oven"})
    assert "Nothing waits" in page(staff, "/settlement/review/")
    assert "a new oven" in page(staff, "/settlement/review/?state=CLEARED")
    page(staff, f"/settlement/review/{finding.pk}/eat/", 404)


def test_a_certification_is_a_picture_and_a_table(staff, world):
    profile = BaselineProfile.objects.filter(method="x_of_y").earliest("pk")
    made = Certification.objects.create(
        device=world.devices[6], first_day="2016-06-01", last_day="2016-06-30", first_hour=16, last_hour=20,
        as_of=world.after, gate_rrmse_pu=0.2, gate_bias_pu=0.04, level="SITE", best_profile=profile, reason="passes",
    )  # fmt: skip
    CertificationFit.objects.create(
        certification=made, level="SITE", profile=profile, rank=1, events=2, rrmse_pu=0.12, bias_pu=-0.01, missing_pu=0,
        passes=True, placebo=[{"date": "2016-06-02", "baseline_kwh": 10.0, "actual_kwh": 11.0}],
    )  # fmt: skip
    assert profile.name in page(staff, "/settlement/certifications/")
    body = page(staff, f"/settlement/certifications/{made.pk}/")
    assert chart_of(body, "fit-chart")["panels"][0]["series"][0]["y"] == [12.0]
    assert chart_of(body, "placebo-chart")["labels"] == ["2016-06-02"]
    assert "20.0\u00a0%" in body
