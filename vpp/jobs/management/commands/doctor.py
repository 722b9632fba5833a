"""`manage.py doctor`: is everything there that the service needs, and what to do where it is not."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from vpp.accounts import commands
from vpp.jobs.checkup import check_round_trip, run_checks
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = "Check database, migrations, broker, clock and data folder; exit 1 if something is wrong."
    examples = (
        "doctor",
        "doctor --round-trip",
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--round-trip", action="store_true", help="also send a job through relay, broker and worker"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        findings = run_checks()
        if options["round_trip"]:
            findings.append(check_round_trip(at=clock.now()))
        for finding in findings:
            mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("BAD ")
            self.stdout.write(f"{mark} {finding.subject}: {finding.message}")
            if not finding.ok:
                self.stdout.write(f"     do: {finding.remedy}")
        if not all(finding.ok for finding in findings):
            raise SystemExit(1)
