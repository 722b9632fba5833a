"""`manage.py close_period --from D --to D`: nothing can be booked in those days any more."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(BaseCommand):
    help = "Close a period of booking dates (UTC) of the ledger for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
        parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        try:
            period = operations.close_period(first=options["first"], last=options["last"], at=clock.now())
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        self.stdout.write(f"closed {period}: {len(period.balances)} accounts with lines")
