"""`manage.py forecast DIR`: history.csv and request.json in, forecast.csv out. Touches no table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from vpp.accounts import commands


class Command(commands.ServiceCommand):
    help = (
        "Forecast the series of DIR/history.csv (time, one column per series) at the times of DIR/request.json "
        "(issue, target: {start, end} or a list, quantiles; optional step_minutes, time_zone), with DIR/exog.csv "
        "if there is one; writes DIR/forecast.csv (time, series, q10 ... q90)."
    )
    examples = ("forecast folder",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="holds history.csv and request.json")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        from forecasting.files import forecast_folder

        try:
            written, flags = forecast_folder(folder)
        except (ValueError, OSError) as error:  # UnusableSeries, and what no JSON or CSV in UTF-8 is
            raise CommandError(str(error)) from error
        for series, findings in flags.items():
            self.stderr.write(f"{series}: {'; '.join(findings)}")
        self.stdout.write(f"{written} rows in {folder / 'forecast.csv'}")
