"""`manage.py payments --execution-date D --debtor-name N --debtor-iban I --out FILE`: pay what was accepted."""

from __future__ import annotations

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = "Write a pain.001 file for every accepted statement without a hold, and book the payments."
    examples = (
        "payments --execution-date 2016-04-05 --debtor-name 'Example plant' --debtor-iban "
        "DE02120300000000202051 --out payments.xml",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--execution-date", type=commands.day, required=True, help="when the bank is to pay, YYYY-MM-DD"
        )
        parser.add_argument("--debtor-name", required=True, help="whose account pays")
        parser.add_argument("--debtor-iban", required=True, help="the account that pays")
        parser.add_argument("--debtor-bic", default="", help="of its bank, where that wants one")
        parser.add_argument("--least", type=Decimal, default=Decimal("0.01"), help="smaller amounts are carried")
        parser.add_argument("--out", type=commands.new_file, required=True, help="file to write, XML")

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
