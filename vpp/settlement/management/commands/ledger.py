"""`manage.py ledger --from D --to D`: the journals as Beancount or CSV text."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Write the journals of a range of delivery days in a form that an accountant's own tool can check."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
        parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
        parser.add_argument("--format", choices=["beancount", "csv"], default="beancount")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import queries
        from vpp.settlement.kernels.books import beancount_text, csv_text

        first, last = options["first"], options["last"]
        entries = queries.ledger_entries(first, last)
        title = f"Settlement {first} to {last}"
        self.stdout.write(beancount_text(entries, title) if options["format"] == "beancount" else csv_text(entries))
