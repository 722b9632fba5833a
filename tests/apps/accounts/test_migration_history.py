"""A database of other migrations is refused with a word on what to do."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from vpp.accounts.migration_history import foreign_migrations
from vpp.jobs.checkup import check_migrations

ON_DISK = [("books", "0001_initial"), ("books", "0002_rules"), ("books", "0008_more")]


def test_an_applied_migration_that_is_gone_is_foreign_if_one_before_it_was_never_applied():
    applied = [("books", "0001_initial"), ("books", "0002_audit"), ("books", "0005_pages")]
    waiting = [("books", "0002_rules"), ("books", "0008_more")]
    assert foreign_migrations(applied=applied, on_disk=ON_DISK, waiting=waiting) == ["books.0005_pages"]


def test_migrations_that_one_took_the_place_of_are_no_foreign_ones():
    applied = [("books", "0001_initial"), ("books", "0002_rules"), ("books", "0005_pages")]
    assert foreign_migrations(applied=applied, on_disk=ON_DISK, waiting=[("books", "0008_more")]) == []


@pytest.mark.django_db
def test_migrate_and_doctor_refuse_a_database_of_other_migrations():
    recorder = MigrationRecorder(connection)
    (last,) = MigrationLoader(connection).graph.leaf_nodes("settlement")
    recorder.record_unapplied(*last)
    recorder.record_applied("settlement", "9999_reference_days_stay")
    with pytest.raises(CommandError, match=r"settlement\.9999_reference_days_stay.*set up a new database"):
        call_command("migrate", interactive=False, verbosity=0)
    found = check_migrations()
    assert not found.ok
    assert "settlement.9999_reference_days_stay" in found.message
    assert "VPP_DATA_DIR" in found.remedy


@pytest.mark.django_db
def test_migrate_and_doctor_accept_our_own():
    call_command("migrate", interactive=False, verbosity=0)
    assert check_migrations().ok
