"""One private PostgreSQL a test session, unless DATABASE_URL names one; the real clock is back after each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vpp.lib import clock, environment
from vpp.lib.embedded_postgres import EmbeddedPostgres


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


@pytest.fixture(autouse=True)
def _real_clock_after_each_test() -> Iterator[None]:
    yield
    clock.set_simulated(None)


@pytest.fixture
def at() -> datetime:
    """A moment to work at: ten in the morning (UTC) the day before a summer delivery day."""
    return datetime(2016, 7, 13, 10, tzinfo=UTC)
