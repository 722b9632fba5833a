"""`manage.py restate`: settle again what late or corrected readings may have changed, and post the differences."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from vpp.lib import clock


def moment(text: str) -> datetime:
    """An ISO moment; UTC where it names no offset."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Restate every settled day that readings which came after it may change."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, help="look at readings known after this moment only")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.settlement import operations

        runs = operations.restate_changed(at=clock.now(), since=options["since"])
        for run in runs:
            self.stdout.write(f"{run.portfolio.code} {run.delivery_date} v{run.version}: revenue {run.revenue}")
        self.stdout.write(f"{len(runs)} runs restated")
