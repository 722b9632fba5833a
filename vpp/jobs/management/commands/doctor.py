"""`manage.py doctor`: is everything there that the service needs, and what to do where it is not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from vpp.jobs.checkup import run_checks


class Command(BaseCommand):
    help = "Check database, migrations, broker, clock and data folder; exit 1 if something is wrong."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        findings = run_checks()
        for finding in findings:
            mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("BAD ")
            self.stdout.write(f"{mark} {finding.subject}: {finding.message}")
            if not finding.ok:
                self.stdout.write(f"     do: {finding.remedy}")
        if not all(finding.ok for finding in findings):
            raise SystemExit(1)
