"""A grid operator's emergency against a commit on an ask, each through the edge that people use: API and commands."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from bidding.models import Award
from tests.factories import make_client
from tests.journeys.test_usecases import walk
from tests.journeys.usecase_world import DAY, EVENING, FeederWorld, make_feeder_world
from vpp.dispatch.models import DispatchPriority
from vpp.lib import clock

pytestmark = [pytest.mark.django_db, pytest.mark.slow(seconds=30)]
INDEX = EVENING.start + 1


@pytest.fixture
def world(client: Client) -> FeederWorld:
    """A feeder whose overload in the evening is cured by a commit on the utility's ask."""
    world = make_feeder_world(pv=False)
    world.forecast(world.flat(4.0, evening=(EVENING, 13.5)))
    walk(client, world)
    return world


def committed_kw() -> float:
    """By the commit on the ask alone."""
    return float(sum(award.up_kw[INDEX] for award in Award.objects.filter(bid__ask__isnull=False)))


def asked_kw(client: Client, headers: dict[str, str]) -> float:
    """What the devices' gateway hears: the sum of all targets in force, consumption positive."""
    query: dict[str, Any] = {"interval": DAY.starts()[INDEX].isoformat(), "in_force": "true"}
    found = client.get("/api/v1/dispatch/setpoints", query, headers=headers).json()["setpoints"]
    return sum(target for target, released in zip(found["target_kw"], found["released"], strict=True) if not released)


def in_the_event(world: FeederWorld) -> None:
    clock.set_simulated(DAY.starts()[INDEX])
    call_command("play", "--at", DAY.starts()[INDEX].isoformat(), stdout=StringIO())
    clock.set_simulated(DAY.starts()[INDEX] + timedelta(minutes=2))


def test_the_emergency_is_met_in_place_of_the_commit_and_the_commit_again_after_it(
    client: Client, world: FeederWorld
) -> None:
    _, token = make_client(scopes=("dispatch:read",))
    headers = {"Authorization": f"Bearer {token}"}
    in_the_event(world)
    promised_kw = committed_kw()
    assert promised_kw > 5.0
    assert asked_kw(client, headers) == pytest.approx(-promised_kw, abs=0.01)
    call_command("grid_emergency", world.portfolio.code, "--up-kw", "3", "--minutes", "30", stdout=StringIO())
    assert asked_kw(client, headers) == pytest.approx(-3.0, abs=0.01)
    clock.set_simulated(clock.now() + timedelta(minutes=3))
    call_command("grid_emergency", world.portfolio.code, "--end", stdout=StringIO())
    assert asked_kw(client, headers) == pytest.approx(-promised_kw, abs=0.01)


def test_where_the_order_puts_commits_first_the_emergency_comes_on_top(client: Client, world: FeederWorld) -> None:
    _, token = make_client(scopes=("dispatch:read",))
    headers = {"Authorization": f"Bearer {token}"}
    DispatchPriority.objects.create(
        valid_from=DAY.start, order=["SAFETY_AND_OWNER", "COMMIT", "GRID_EMERGENCY", "MARKET"]
    )
    in_the_event(world)
    call_command("grid_emergency", world.portfolio.code, "--up-kw", "3", "--minutes", "30", stdout=StringIO())
    assert asked_kw(client, headers) == pytest.approx(-committed_kw() - 3.0, abs=0.01)
