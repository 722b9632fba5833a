"""`manage.py forecast DIR`: history.csv and request.json in, forecast.csv out. Touches no table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Forecast the series of DIR/history.csv (time, one column per series) at the times of DIR/request.json "
        "(issue, target: {start, end} or a list, quantiles; optional step_minutes, time_zone), with DIR/exog.csv "
        "if there is one; writes DIR/forecast.csv (time, series, q10 ... q90)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        from forecasting.files import forecast_folder
        from forecasting.kernels.series import UnusableSeries

        try:
            written, flags = forecast_folder(folder)
        except (UnusableSeries, OSError, json.JSONDecodeError) as error:
            raise CommandError(str(error)) from error
        for series, findings in flags.items():
            self.stderr.write(f"{series}: {'; '.join(findings)}")
        self.stdout.write(f"{written} rows in {folder / 'forecast.csv'}")
