"""`manage.py review --date D`: look at a settled day for made baselines; findings hold payouts until decided."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from vpp.accounts import commands
from vpp.lib import clock
from vpp.settlement.models import SettlementRun


class Command(commands.ServiceCommand):
    help = "Fill the review queue from the newest runs of a delivery day."
    examples = ("review --date 2016-03-10",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=commands.day, required=True, help="settled delivery day, YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        runs = SettlementRun.objects.filter(delivery_date=options["date"]).newest().select_related("portfolio")
        found = [finding for run in runs for finding in operations.review_run(run, at=clock.now())]
        for finding in found:
            self.stdout.write(f"{finding.kind} device {finding.device_id}: {finding.evidence}")
        self.stdout.write(f"{len(found)} findings")
