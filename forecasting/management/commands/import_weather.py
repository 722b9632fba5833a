"""`manage.py import_weather FILE --zone CODE`: weather forecasts with their issue time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from vpp.accounts import commands
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = (
        "Take in weather forecasts from a CSV: issued_at, time (both ISO 8601, UTC where they name no offset), and one "
        "column a variable, its unit in its name (temperature_c, ghi_w_per_m2). Rows of one issued_at are one "
        "forecast: equal steps of 15, 30 or 60 minutes, no gap. A forecast that is known changes nothing."
    )
    examples = ("import_weather weather.csv --zone DE",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV with issued_at, time and a column a variable")
        parser.add_argument("--zone", required=True, help="code of the zone, as portfolios and sites carry it")

    def handle(self, *args: Any, file: Path, zone: str, **options: Any) -> None:
        import pandas as pd

        from forecasting.files import read_frame
        from forecasting.kernels.series import UnusableSeries
        from forecasting.operations import BadWeather, store_weather

        try:
            frame = read_frame(file)
            if "issued_at" not in frame.columns:
                raise CommandError(f"{file.name}: there is no column 'issued_at'")
            issues = pd.to_datetime(frame.pop("issued_at"), utc=True, format="ISO8601")
            if issues.isna().any():
                raise CommandError(f"{file.name}: row {int(issues.isna().to_numpy().argmax()) + 2} has no 'issued_at'")
            stored = 0
            for issued_at, rows in frame.groupby(issues.dt.tz_localize(None).to_numpy()):
                moment = pd.Timestamp(issued_at).tz_localize("UTC").to_pydatetime()
                stored += store_weather(rows, zone_code=zone, issued_at=moment, at=clock.now())
        except (UnusableSeries, BadWeather, OSError, ValueError) as error:
            raise CommandError(f"{file.name}: {error}") from error
        self.stdout.write(f"{stored} variables of {issues.nunique()} forecasts stored for zone {zone}")
