"""`manage.py import_readings FILE`: readings from CSV, Parquet, Green Button XML or a numpy archive (docs/files.md)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.core.management.base import CommandError

from telemetry import operations
from telemetry.protocols.file_types import UNITS, UNITS_PER_KW, FileFormat, UnreadableFile
from telemetry.protocols.files import read_file
from vpp.accounts import commands
from vpp.lib import clock

SHOWN_REFUSALS = 20


class Command(commands.ServiceCommand):
    help = "Import readings: all rows of a readable file, each once; nothing of a file that cannot be read."
    examples = (
        "import_readings readings.csv --dry-run",
        "import_readings meter.csv --device house-1 --time-zone Europe/Berlin --time-format "
        "'%d.%m.%Y %H:%M' --delimiter ';' --decimal , --column time=Zeit --column power_kw=Leistung",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help=".csv or .parquet: time,device,power_kw,... or time,<device codes>; .xml: Green Button; .npz",
        )
        parser.add_argument("--time-zone", help="zone of times without an offset, such as Europe/Berlin")
        parser.add_argument("--time-format", default="", help="as of strptime, such as '%%d.%%m.%%Y %%H:%%M'")
        parser.add_argument(
            "--unit",
            action="append",
            default=[],
            metavar="UNIT|COLUMN=UNIT",
            help="kW (default), W or MW of power and, times an hour, of energy; or of one column, as soc_kwh=Wh",
        )
        parser.add_argument("--sign", choices=("load", "generation"), default="load", help="what counts as positive")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="OURS=THEIRS",
            help="a column's name in the file, as power_kw=Leistung; in a wide file a device's. May be repeated",
        )
        parser.add_argument("--device", default="", help="whose readings these are, if the file does not say")
        parser.add_argument(
            "--usage-point",
            action="append",
            default=[],
            metavar="THEIRS=DEVICE",
            help="Green Button: title or last part of the link of a usage point",
        )
        parser.add_argument("--delimiter", default=",", help="between the cells of a CSV file")
        parser.add_argument("--decimal", choices=(".", ","), default=".", help="decimal sign of a CSV file")
        parser.add_argument("--dry-run", action="store_true", help="judge and report, store nothing")
        parser.add_argument("--report", type=commands.new_file, help="write the report here: JSON, every refused row")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        form, path = _form(options), options["file"]
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
        if options["report"]:
            content = {"file": path.name, "dry_run": options["dry_run"]} | report.as_dict()
            options["report"].write_text(json.dumps(content, indent=1) + "\n")

    def _tell(self, path: Path, report: operations.ImportReport, *, dry_run: bool) -> None:
        verb = "would store" if dry_run else "stored"
        self.stdout.write(
            f"{path.name}: {report.rows} readings, {verb} {report.accepted} ({report.corrected} corrections), "
            f"{report.duplicates} known already, {report.refused} refused"
        )
        self._tell_clock(report)
        for reason, count in report.reasons.most_common():
            self.stdout.write(f"  refused as {reason}: {count}")
        for row, reason in report.refusals[:SHOWN_REFUSALS]:
            self.stdout.write(f"    row {row}: {reason}")

    def _tell_clock(self, report: operations.ImportReport) -> None:
        changes = report.clock
        if changes.second_passes:
            self.stdout.write(
                f"{changes.second_passes} times of an hour that the clock repeats, told apart by their order"
            )
        if changes.single_passes:
            self.stdout.write(
                f"{changes.single_passes} times of an hour that the clock repeats came once: read as its first pass, "
                "the second is missing"
            )
        for day in changes.skipped_days:
            self.stdout.write(f"{day}: the clock goes forward, an hour is skipped")


def _form(options: dict[str, Any]) -> FileFormat:
    zone = options["time_zone"]
    if zone is not None and zone not in available_timezones():
        raise CommandError(f"--time-zone: there is no zone {zone!r}", returncode=2)
    if len(options["delimiter"]) != 1:
        raise CommandError("--delimiter: want one character", returncode=2)
    given = options["unit"] if isinstance(options["unit"], list) else [options["unit"]]
    units = _pairs("--unit", [each for each in given if "=" in each])
    plain = [each for each in given if "=" not in each] or ["kW"]
    for column, unit in [("power_kw", plain[-1]), *units.items()]:
        if unit not in UNITS.get(column, {}):
            wanted = ", ".join(UNITS_PER_KW if column == "power_kw" else UNITS.get(column, UNITS))
            raise CommandError(f"--unit: {column} in {unit!r}; want one of {wanted}", returncode=2)
    return FileFormat(
        zone=zone,
        unit=plain[-1],
        generation_positive=options["sign"] == "generation",
        units=units,
        columns=_pairs("--column", options["column"]),
        delimiter=options["delimiter"],
        decimal=options["decimal"],
        time_format=options["time_format"],
        device=options["device"],
        usage_points=_pairs("--usage-point", options["usage_point"]),
    )


def _pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    pairs = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(pairs) != len(texts):
        raise CommandError(f"{option}: want NAME=NAME, each name once", returncode=2)
    return pairs
