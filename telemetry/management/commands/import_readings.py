"""`manage.py import_readings FILE`: readings from a CSV file or a numpy archive (docs/files.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.core.management.base import BaseCommand, CommandError

from telemetry import operations
from telemetry.protocols.file_types import UNITS_PER_KW, FileFormat, UnreadableFile
from telemetry.protocols.files import read_file
from vpp.lib import clock


class Command(BaseCommand):
    help = "Import readings: all rows of a readable file, each once; nothing of a file that cannot be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV: time,device,power_kw,... or time,<device codes>; or .npz")
        parser.add_argument("--time-zone", help="zone of times without an offset, such as Europe/Berlin")
        parser.add_argument(
            "--unit", choices=sorted(UNITS_PER_KW), default="kW", help="unit of power; energy is that times an hour"
        )
        parser.add_argument("--sign", choices=("load", "generation"), default="load", help="what counts as positive")
        parser.add_argument("--dry-run", action="store_true", help="judge and report, store nothing")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        zone = options["time_zone"]
        if zone is not None and zone not in available_timezones():
            raise CommandError(f"--time-zone: there is no zone {zone!r}", returncode=2)
        form = FileFormat(zone=zone, unit=options["unit"], generation_positive=options["sign"] == "generation")
        path: Path = options["file"]
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        try:
            with Progress(*columns, console=Console(stderr=True), disable=options["quiet"], transient=True) as bars:
                reading = bars.add_task(f"read {path.name}", total=path.stat().st_size if path.exists() else None)
                file = read_file(path, form, lambda count: bars.advance(reading, count))
                storing = bars.add_task("store", total=file.size)
                report = operations.import_file(
                    file,
                    at=clock.now(),
                    progress=lambda count: bars.advance(storing, count),
                    dry_run=options["dry_run"],
                )
        except UnreadableFile as error:
            raise CommandError(error.message, returncode=1) from None
        self._tell(path, report, dry_run=options["dry_run"])

    def _tell(self, path: Path, report: operations.ImportReport, *, dry_run: bool) -> None:
        verb = "would store" if dry_run else "stored"
        self.stdout.write(
            f"{path.name}: {report.rows} readings, {verb} {report.accepted} ({report.corrected} corrections), "
            f"{report.duplicates} known already, {report.refused} refused"
        )
        if report.repeated_hours:
            self.stdout.write(
                f"{report.repeated_hours} times of an hour that the clock repeats, told apart by their order"
            )
        for reason, count in report.reasons.most_common():
            self.stdout.write(f"  refused as {reason}: {count}")
        for row, reason in report.shown:
            self.stdout.write(f"    row {row}: {reason}")
