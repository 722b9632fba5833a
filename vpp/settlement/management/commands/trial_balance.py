"""`manage.py trial_balance [--from D] [--to D]`: debit, credit and balance of every account; they sum to zero."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands


class Command(commands.ServiceCommand):
    help = "Write the trial balance over booking dates (UTC)."
    examples = (
        "trial_balance",
        "trial_balance --from 2016-03-01 --to 2016-03-31",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="first", type=commands.day, help="first booking date; without it from the beginning"
        )
        parser.add_argument("--to", dest="last", type=commands.day, help="last booking date; without it until now")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import queries

        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in queries.account_balances(options["first"], options["last"]):
            self.stdout.write(f"{row.account:32} {row.debit:>14} {row.credit:>14} {row.balance:>14} {row.currency}")
            sums[row.currency] += row.balance
        for currency, rest in sorted(sums.items()):
            self.stdout.write(f"{'sum':32} {'':>14} {'':>14} {rest:>14} {currency}")
        if any(sums.values()):
            raise CommandError("the ledger does not sum to zero")
