"""`manage.py restate`: settle again what late or corrected readings may have changed, and post the differences."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from vpp.accounts import commands
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = "Restate every settled day that readings which came after it may change."
    examples = (
        "restate",
        "restate --since 2016-03-11T06:00+01:00",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=commands.moment, help="look at readings known after this moment only")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        runs = operations.restate_changed(at=clock.now(), since=options["since"])
        for run in runs:
            self.stdout.write(f"{run.portfolio.code} {run.delivery_date} v{run.version}: revenue {run.revenue}")
        self.stdout.write(f"{len(runs)} runs restated")
