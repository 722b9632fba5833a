"""`manage.py payments --execution-date D --debtor-name N --debtor-iban I --out FILE`: pay what was accepted."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(BaseCommand):
    help = "Write a pain.001 file for every accepted statement without a hold, and book the payments."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--execution-date", type=date.fromisoformat, required=True)
        parser.add_argument("--debtor-name", required=True)
        parser.add_argument("--debtor-iban", required=True)
        parser.add_argument("--debtor-bic", default="")
        parser.add_argument("--least", type=Decimal, default=Decimal("0.01"), help="smaller amounts are carried")
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations
        from vpp.settlement.kernels.pain001 import Party

        debtor = Party(options["debtor_name"], options["debtor_iban"], options["debtor_bic"])
        try:
            run = operations.pay_accepted(
                at=clock.now(), execution_date=options["execution_date"], debtor=debtor, least=options["least"]
            )
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        for statement, reason in run.left_out:
            self.stdout.write(f"statement {statement.number} left out: {reason}")
        if run.file is None:
            self.stdout.write("nothing is due")
            return
        options["out"].write_text(run.file.xml, encoding="utf-8")
        self.stdout.write(f"{run.file.count} transfers, {run.file.total} {run.file.currency} in {options['out']}")
