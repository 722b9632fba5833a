"""One played day for all tests of a module: each test works in a savepoint of its own on top of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from tests.apps.console.makers import World, client_for, make_day, make_user
from vpp.accounts.models import Participant
from vpp.lib import clock


@pytest.fixture(scope="module")
def played_day(django_db_setup: None, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_day()
        transaction.set_rollback(True)


@pytest.fixture
def world(played_day: World, db: None) -> World:
    cache.clear()
    clock.set_simulated(played_day.after)
    return played_day


@pytest.fixture
def staff(db: None) -> Client:
    return client_for(make_user("ada", Participant.Kind.AGGREGATOR, admin=True))
