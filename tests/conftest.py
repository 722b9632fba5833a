"""One private PostgreSQL a test session, unless DATABASE_URL names one; the real clock is back after each test."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_django

from tests.effort import THOROUGH
from vpp.lib import clock, environment
from vpp.lib.embedded_postgres import EmbeddedPostgres

LEAST_SLOW_S = 10
SHIPPED_ROWS: list[dict[str, Any]] = []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, as their `slow` marks say: then all workers have their last test at about one time."""
    if not THOROUGH:
        items[:] = [item for item in items if item.get_closest_marker("thorough") is None]
    seconds: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("slow")
        own = mark.kwargs.get("seconds", LEAST_SLOW_S) if mark else 0
        seconds[item.path] = max(seconds.get(item.path, 0), own)
    items.sort(key=lambda item: -seconds[item.path])


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of the server the tests use. Tests may throw it away, so it does not wait for the disk."""
    if configured := os.environ.get("DATABASE_URL"):
        yield configured
        return
    folder = Path(tempfile.mkdtemp(prefix="vpp-tests-"))
    folder.chmod(0o711)  # the server may run as another system user, see EmbeddedPostgres
    server = EmbeddedPostgres(folder, durable=False)
    try:
        yield server.ensure_running()
    finally:
        server.release()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_server: str, django_db_modify_db_settings_parallel_suffix: None) -> None:
    from django.db import connections

    connections.settings["default"].update(environment.database(database_server))
    connections["default"].settings_dict.update(environment.database(database_server))


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
) -> Iterator[None]:
    """The database of the tests, also where those chosen reach it by fixtures alone, as a browser's do; pytest-django's
    own fixture makes none for these. After the migrations: remember the rows they ship (baseline methods, rules)."""
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
        _let_tables_be_emptied(connection)
        rows = json.loads(connection.creation.serialize_db_to_string())
    made_by_django = ("auth.", "contenttypes.")  # these come back by themselves
    SHIPPED_ROWS[:] = [row for row in rows if not row["model"].startswith(made_by_django)]
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


def _let_tables_be_emptied(connection: Any) -> None:
    """A test with real transactions empties its database by TRUNCATE, which every kept table refuses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgtype & 32 = 32 AND NOT tgisinternal")
        for table, name in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A test with real transactions empties every table when it ends; the rows that migrations ship come back here."""
    result = yield
    marker = item.get_closest_marker("django_db")
    if nextitem is not None and marker is not None and marker.kwargs.get("transaction"):
        _restore_shipped_rows(item)
    return result


def _restore_shipped_rows(item: pytest.Item) -> None:
    from django.db import connection
    from pytest_django.plugin import blocking_manager_key

    with item.config.stash[blocking_manager_key].unblock():
        connection.creation.deserialize_db_from_string(json.dumps(SHIPPED_ROWS))
        connection.close()


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_quickly() -> Iterator[None]:
    """By the same algorithm with fewer rounds: a million take most of a second, for every login and every secret."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)
        yield


@pytest.fixture(autouse=True)
def _real_clock_after_each_test() -> Iterator[None]:
    yield
    clock.set_simulated(None)


@pytest.fixture
def at() -> datetime:
    """A moment to work at: ten in the morning (UTC) the day before a summer delivery day."""
    return datetime(2016, 7, 13, 10, tzinfo=UTC)
