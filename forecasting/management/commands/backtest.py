"""`manage.py backtest DIR`: score forecasts of past days of DIR/history.csv against last week. Touches no table."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Forecast the days --from to --to of DIR/history.csv (with DIR/exog.csv if there is one) as they would have "
        "been at 10:00 the day before, and print MAE, ratios to last week and coverage, worst series first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
        parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
        parser.add_argument("--every", type=int, default=1, help="days between forecast days")
        parser.add_argument("--series", nargs="*", default=[], help="columns; all if none is named")
        parser.add_argument("--zone", default="Europe/Berlin")
        parser.add_argument("--step", type=int, default=15, choices=(15, 30, 60), help="minutes")

    def handle(self, *args: Any, folder: Path, first: date, last: date, **options: Any) -> None:
        from forecasting.files import read_frame
        from forecasting.kernels.backtest import backtest
        from forecasting.kernels.day_ahead import forecast_day
        from forecasting.kernels.series import UnusableSeries

        if options["every"] < 1:
            raise CommandError("--every must be 1 or more")
        try:
            history = read_frame(folder / "history.csv")
            unknown = set(options["series"]) - set(history.columns)
            if unknown:
                raise CommandError(f"history.csv has no column {', '.join(sorted(unknown))}")
            exog = read_frame(folder / "exog.csv") if (folder / "exog.csv").exists() else None
            rows = backtest(
                history[options["series"] or list(history.columns)],
                exog,
                first=first,
                last=last,
                every_days=options["every"],
                zone=options["zone"],
                step_minutes=options["step"],
                forecast=forecast_day,
            )
        except (UnusableSeries, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("series                     days       MAE  MAE/week CRPS/week  cov80  drift")
        for row in rows:
            self.stdout.write(
                f"{row.series:26.26} {row.days:4d} {row.mae:9.3f} {row.mae_ratio:9.3f} {row.crps_ratio:9.3f} "
                f"{row.coverage:6.3f} {row.drift:6d}"
            )
