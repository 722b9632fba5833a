"""`manage.py close_period --from D --to D`: nothing can be booked in those days any more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = "Close a period of booking dates (UTC) of the ledger for good."
    examples = ("close_period --from 2016-03-01 --to 2016-03-31",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="first", type=commands.day, required=True, help="first booking date, YYYY-MM-DD"
        )
        parser.add_argument("--to", dest="last", type=commands.day, required=True, help="last booking date, YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        try:
            period = operations.close_period(first=options["first"], last=options["last"], at=clock.now())
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        self.stdout.write(f"closed {period}: {len(period.balances)} accounts with lines")
