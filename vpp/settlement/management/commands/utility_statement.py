"""`manage.py utility_statement FILE --utility CODE --reference R`: a utility's settlement against ours."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.accounts.models import Participant
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = "Import a utility's statement (CSV, or UFTP FlexSettlement XML) and open disputes over differences."
    examples = ("utility_statement march.csv --utility dso.example --reference 2016-03",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV, or .xml for a FlexSettlement")
        parser.add_argument("--utility", required=True, help="its code")
        parser.add_argument(
            "--reference", required=True, help="what the utility calls this statement; it stands for one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        path = options["file"]
        utility = Participant.objects.filter(code=options["utility"], kind=Participant.Kind.UTILITY).first()
        if utility is None:
            raise CommandError(f"there is no utility {options['utility']!r}")
        try:
            statement = operations.take_utility_statement(
                utility=utility,
                reference=options["reference"],
                form="UFTP" if path.suffix.lower() == ".xml" else "CSV",
                content=commands.text_of(path),
                at=clock.now(),
            )
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        for finding in statement.findings:
            self.stdout.write(f"{finding['finding']}: {finding['order']}")
        for dispute in statement.disputes.select_related("ask").order_by("pk"):
            self.stdout.write(f"dispute {dispute.pk} on {dispute.ask.reference}")
            for one in dispute.evidence["differences"]:
                self.stdout.write(f"  {one['isp'] or 'all'} {one['field']}: ours {one['ours']}, theirs {one['theirs']}")
        self.stdout.write(f"{statement.lines.count()} lines, {statement.disputes.count()} disputes")
