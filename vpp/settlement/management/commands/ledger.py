"""`manage.py ledger --from D --to D`: the journals as Beancount or CSV text."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from vpp.accounts import commands


class Command(commands.ServiceCommand):
    help = "Write the journals of a range of delivery days in a form that an accountant's own tool can check."
    examples = (
        "ledger --from 2016-03-01 --to 2016-03-31",
        "ledger --from 2016-03-01 --to 2016-03-31 --format csv",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="first", type=commands.day, required=True, help="first delivery day, YYYY-MM-DD"
        )
        parser.add_argument("--to", dest="last", type=commands.day, required=True, help="last delivery day, YYYY-MM-DD")
        parser.add_argument(
            "--format", choices=["beancount", "csv"], default="beancount", help="beancount (default) or csv"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import queries
        from vpp.settlement.kernels.books import beancount_text, csv_text

        first, last = options["first"], options["last"]
        entries = queries.ledger_entries(first, last)
        title = f"Settlement {first} to {last}"
        self.stdout.write(beancount_text(entries, title) if options["format"] == "beancount" else csv_text(entries))
