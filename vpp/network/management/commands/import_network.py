"""`manage.py import_network FILE --utility CODE`: a utility's grid from a network file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.accounts import operations as accounts
from vpp.accounts.models import Participant
from vpp.lib import clock
from vpp.network import operations

SHOWN_FINDINGS = 50


class Command(BaseCommand):
    help = "Import a network file (JSON, see docs/files.md); all of it or, if anything is wrong, nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--utility", required=True, help="code of the utility that the grid belongs to")
        parser.add_argument("--name", help="name of the utility; with it, a utility that is not there yet is made")

    def handle(self, *args: Any, **options: Any) -> None:
        utility = self._utility(options["utility"], options["name"])
        try:
            report = operations.import_network(options["file"], utility=utility, at=clock.now())
        except operations.NetworkRefused as refused:
            for finding in refused.findings[:SHOWN_FINDINGS]:
                self.stderr.write(str(finding))
            raise CommandError(refused.message, returncode=1) from None
        for section, rows in report.rows.items():
            self.stdout.write(f"{section}: {rows} rows, {report.made[section]} new")

    def _utility(self, code: str, name: str | None) -> Participant:
        if name:
            return accounts.ensure_participant(code=code, name=name, kind=Participant.Kind.UTILITY)
        utility = Participant.objects.filter(code=code, kind=Participant.Kind.UTILITY).first()
        if utility is None:
            raise CommandError(f"there is no utility {code!r}; give --name to make it", returncode=1)
        return utility
