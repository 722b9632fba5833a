"""Tells a database that was set up by other migrations than ours."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

Name = tuple[str, str]  # app label and name of a migration
REMEDY = (
    "use the version that made it, or let this one set up a new database: another DATABASE_URL, or without one "
    "another VPP_DATA_DIR"
)


def waiting_migrations(executor: MigrationExecutor) -> list[Name]:
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [(migration.app_label, migration.name) for migration, _ in plan]


def other_history(connection: BaseDatabaseWrapper) -> str:
    """Empty, or what is wrong with the database, in words that go on after "the database was"."""
    executor = MigrationExecutor(connection)
    applied, on_disk = executor.loader.applied_migrations or (), executor.loader.disk_migrations or ()
    foreign = foreign_migrations(applied=applied, on_disk=on_disk, waiting=waiting_migrations(executor))
    if not foreign:
        return ""
    more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
    return f"set up by migrations that this version does not have: {foreign[0]}{more}"


def foreign_migrations(*, applied: Iterable[Name], on_disk: Iterable[Name], waiting: Iterable[Name]) -> list[str]:
    """What was applied, is not on the disk, and comes no earlier than a migration of its app that still waits.

    Applied ones that are gone from the disk are well where all that come before them are applied: so it looks after
    migrations were replaced by one that names them.
    """
    first_waiting: dict[str, str] = {}
    for label, name in waiting:
        first_waiting[label] = min(name, first_waiting.get(label, name))
    gone = set(applied) - set(on_disk)
    return sorted(f"{label}.{name}" for label, name in gone if label in first_waiting and first_waiting[label] <= name)
