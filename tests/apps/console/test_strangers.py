"""Every address of the service, asked by people and programs of another utility, owner and market with every scope: what
belongs to somebody is not there for them, and no list tells a word of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from bidding.models import Bid
from tests.apps.bidding.world import aggregator_headers, client_of
from tests.apps.console.makers import World, client_for, make_user
from tests.factories import make_participant
from vpp.accounts.models import SCOPES, AuditEvent, Participant, User
from vpp.dispatch.models import Alarm
from vpp.jobs.models import Job, Webhook
from vpp.lib import clock
from vpp.settlement.models import Payout, Performance, Statement
from vpp.settlement.operations import finalise, make_statements

pytestmark = pytest.mark.django_db

THEIRS = "LV5.220"  # in the code of everything of the played day
#: Addresses about nobody's own things: probes, sign-in, one's own account, other protocols with keys of their own.
OPEN = ("admin/", "health/", "metrics", "login", "logout", "account/", "i18n/", "oauth2/", "shapeshifter/", "unsent/",
        "api/v1/schema", "api/v1/docs")  # fmt: skip
KINDS = (Participant.Kind.UTILITY, Participant.Kind.OWNER, Participant.Kind.MARKET)
ROLES = {"UTILITY": User.Role.UTILITY_APPROVER, "OWNER": User.Role.OWNER, "MARKET": User.Role.VIEWER}
NOT_FOR_THEM = {302, 400, 403, 404, 405, 415}


def routes(patterns: list[object] | None = None, before: str = "") -> Iterator[str]:
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(one.pattern)  # type: ignore[attr-defined]
        if route.startswith(OPEN):
            continue
        if isinstance(one, URLPattern):
            yield route
        else:
            yield from routes(one.url_patterns, route)  # type: ignore[attr-defined]


@pytest.fixture
def filled(world: World) -> dict[str, str]:
    """What stands in the places of addresses: rows of the played day."""
    assert world.run is not None
    payout = Payout.objects.earliest("pk")
    statement = next(
        one
        for one in make_statements(first=world.day.date, last=world.day.date, at=clock.now())
        if one.owner_id == payout.owner_id
    )
    finalise(statement, at=clock.now())
    performance = Performance.objects.filter(award__bid__ask__isnull=False).earliest("pk")
    alarm = Alarm.objects.create(
        portfolio=world.portfolio, award=performance.award, kind="DEVIATION", interval_start=world.day.start,
        committed_up_kw=1.0, short_kw=1.0, raised_at=world.after,
    )  # fmt: skip
    hook = Webhook.objects.create(
        participant=world.utility, url=f"https://{THEIRS}.example/hook".lower(), created_at=world.after
    )
    device = next(one for one in world.devices if one.site.owner_id == payout.owner_id)
    return {
        "site": device.site.code, "device": device.code, "feeder": world.portfolio.feeder_code,
        "portfolio": world.portfolio.code, "congestion_point": world.ask.congestion_point.code, "market": "DE-DA",
        "reference": world.ask.reference, "delivery_date": world.day.date.isoformat(), "date": world.day.date.isoformat(),
        "bid_id": str(Bid.objects.get(ask=world.ask).pk), "payout_id": str(payout.pk), "pk": str(alarm.pk),
        "statement_id": str(statement.pk), "performance_id": str(performance.pk), "run_id": str(world.run.pk),
        "webhook_id": str(hook.pk), "job_id": str(Job.objects.earliest("pk").pk), "plan_id": "1", "dispute_id": "1",
        "finding_id": "1", "certification_id": "1", "change": "hold", "answer": "accept", "step": "accept",
        "decision": "clear",
    }  # fmt: skip


#: Whose code an address means.
CODES = {"sites/": "site", "device": "device", "congestion": "congestion_point", "markets/": "market",
         "feeders/": "feeder", "grid/": "feeder", "day/": "portfolio", "bids/": "portfolio"}  # fmt: skip


def address(route: str, filled: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return filled[name if name != "code" else next(kind for part, kind in CODES.items() if part in route)]

    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, route)


def trail() -> int:
    return AuditEvent.objects.exclude(action__startswith="client.").count()


def strangers(kind: str) -> list[tuple[Client, dict[str, str]]]:
    """A person in the console and a program at the API."""
    participant = make_participant(kind=kind)
    user = make_user(f"stranger-{kind}", None, participant=participant)
    User.objects.filter(pk=user.pk).update(role=ROLES[kind])
    return [(client_for(user), {}), (Client(), client_of(participant, *SCOPES)[1])]


@pytest.mark.parametrize("kind", KINDS)
def test_what_belongs_to_somebody_is_not_there_for_a_stranger(kind, filled):
    person, program = strangers(kind)
    events, statement = trail(), Statement.objects.get(pk=filled["statement_id"]).state
    wrong = []
    for route in routes():
        if "<" not in route:
            continue
        client, headers = program if route.startswith("api/") else person
        url = address(route, filled)
        for method in (client.get, client.post):
            given = {"content_type": "application/json", "data": "{}"} if method == client.post and headers else {}
            answer = method(url, headers=headers, **given)
            shown = answer.status_code == 200 and THEIRS in answer.content.decode()
            if answer.status_code not in NOT_FOR_THEM | {200} or shown:
                wrong.append((method.__name__, url, answer.status_code, answer.content[:80]))
    assert wrong == []
    assert trail() == events, "nothing happened"
    assert Statement.objects.get(pk=filled["statement_id"]).state == statement


@pytest.mark.parametrize("kind", KINDS)
def test_no_list_tells_a_stranger_a_word_of_it(kind, filled):
    person, program = strangers(kind)
    begin = filled["date"]
    query = {name: filled[name] for name in ("site", "device", "feeder", "portfolio", "date", "market")}
    query |= {"from": f"{begin}T00:00:00Z", "to": f"{begin}T23:00:00Z", "start": begin, "end": begin, "award": "1",
              "interval": f"{begin}T16:00:00Z"}  # fmt: skip
    wrong = []
    assert THEIRS in Client().get("/api/v1/devices", headers=aggregator_headers()).content.decode(), "ours can see it"
    for route in routes():
        if "<" in route:
            continue
        client, headers = program if route.startswith("api/") else person
        for asked in ({}, query) if headers else ({},):  # a page shows what it was asked for
            answer = client.get(f"/{route}", asked, headers=headers)
            leaks = answer.status_code == 200 and THEIRS in answer.content.decode()
            if answer.status_code >= 500 or leaks:
                wrong.append((route, asked != {}, answer.status_code))
    assert wrong == []
