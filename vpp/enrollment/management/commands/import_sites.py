"""`manage.py import_sites FOLDER`: owners, sites, devices, terms, contracts, portfolios and enrollments from files."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.enrollment import operations
from vpp.lib import clock

SHOWN_FAULTS = 50


class Command(commands.ServiceCommand):
    help = "Import enrollment tables (CSV or JSON, see docs/files.md); all of them or, if one cell is wrong, none."
    examples = ("import_sites folder",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="holds owners.csv, sites.csv, devices.csv, ...")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = operations.import_folder(options["folder"], at=clock.now())
        except operations.ImportRefused as refused:
            for fault in refused.faults[:SHOWN_FAULTS]:
                self.stderr.write(str(fault))
            raise CommandError(refused.message, returncode=1) from None
        for name, rows in report.rows.items():
            self.stdout.write(f"{name}: {rows} rows, {report.made[name]} new")
