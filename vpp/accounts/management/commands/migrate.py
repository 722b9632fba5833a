"""Django's `migrate`, which first looks whether the database is one of ours."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from vpp.accounts.commands import database_told
from vpp.accounts.migration_history import REMEDY, other_history


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        with database_told():  # its checks ask the database before `handle` does
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        if wrong := other_history(connections[options["database"]]):
            raise CommandError(f"the database was {wrong}; {REMEDY}")
        super().handle(*args, **options)
