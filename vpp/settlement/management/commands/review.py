"""`manage.py review --date D`: look at a settled day for made baselines; findings hold payouts until decided."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from vpp.lib import clock
from vpp.settlement.models import SettlementRun


class Command(BaseCommand):
    help = "Fill the review queue from the newest runs of a delivery day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        runs = SettlementRun.objects.filter(delivery_date=options["date"]).newest().select_related("portfolio")
        found = [finding for run in runs for finding in operations.review_run(run, at=clock.now())]
        for finding in found:
            self.stdout.write(f"{finding.kind} device {finding.device_id}: {finding.evidence}")
        self.stdout.write(f"{len(found)} findings")
