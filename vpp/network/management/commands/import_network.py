"""`manage.py import_network FILE --utility CODE`: a utility's grid from a network file, pandapower, SimBench or CSV."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.accounts import operations as accounts
from vpp.accounts.models import Participant
from vpp.lib import clock
from vpp.network import operations

SHOWN_FINDINGS = 50
FORMATS = ("network", "pandapower", "simbench", "csv")


class Command(commands.ServiceCommand):
    help = "Import a grid (network file, pandapower JSON, SimBench folder, folder of CSV tables): all of it or nothing."
    examples = (
        "import_network grid.json --utility dso.example --name 'Example grid'",
        "import_network net.json --utility dso.example --format pandapower --feeder LV1",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="file or folder")
        parser.add_argument("--utility", required=True, help="code of the utility that the grid belongs to")
        parser.add_argument(
            "--format", choices=FORMATS, default="", help="told by what the file looks like if left out"
        )
        parser.add_argument("--feeder", default="", help="code of the feeder that a pandapower net becomes")
        parser.add_argument("--name", help="name of the utility; with it, a utility that is not there yet is made")

    def handle(self, *args: Any, **options: Any) -> None:
        utility = self._utility(options["utility"], options["name"])
        try:
            report = operations.import_network(
                options["file"],
                utility=utility,
                at=clock.now(),
                file_format=options["format"],
                feeder=options["feeder"],
            )
        except operations.NetworkRefused as refused:
            for finding in refused.findings[:SHOWN_FINDINGS]:
                self.stderr.write(str(finding))
            raise CommandError(refused.message, returncode=1) from None
        for section, rows in report.rows.items():
            self.stdout.write(f"{section}: {rows} rows, {report.made[section]} new")
        for feeder, version in report.versions.items():
            self.stdout.write(f"feeder {feeder}: topology version {version}")

    def _utility(self, code: str, name: str | None) -> Participant:
        if name:
            return accounts.ensure_participant(code=code, name=name, kind=Participant.Kind.UTILITY)
        utility = Participant.objects.filter(code=code, kind=Participant.Kind.UTILITY).first()
        if utility is None:
            raise CommandError(f"there is no utility {code!r}; give --name to make it", returncode=1)
        return utility
