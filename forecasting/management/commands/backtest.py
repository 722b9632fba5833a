"""`manage.py backtest [DIR]`: score forecasts of past days against last week, of files or of stored devices."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vpp.lib import clock
from vpp.lib.errors import DomainError

if TYPE_CHECKING:
    import pandas as pd

LONGEST_HISTORY_DAYS = 220


class Command(BaseCommand):
    help = (
        "Forecast the days --from to --to of DIR/history.csv (with DIR/exog.csv if there is one) as they would have "
        "been at 10:00 the day before, and print MAE, ratios to last week and coverage, worst series first. "
        "Without DIR --series names devices, whose readings come from the database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
        parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
        parser.add_argument("--every", type=int, default=1, help="days between forecast days")
        parser.add_argument("--series", nargs="*", default=[], help="columns, all if none is named; or device codes")
        parser.add_argument("--zone", default="Europe/Berlin")
        parser.add_argument("--step", type=int, default=15, choices=(15, 30, 60), help="minutes")

    def handle(self, *args: Any, folder: Path | None, first: date, last: date, **options: Any) -> None:
        from forecasting.kernels.backtest import backtest
        from forecasting.kernels.day_ahead import forecast_day
        from forecasting.kernels.series import UnusableSeries

        if options["every"] < 1:
            raise CommandError("--every must be 1 or more")
        try:
            history, exog = (
                _of_devices(options["series"], first, last) if folder is None else _of_files(folder, options["series"])
            )
            rows = backtest(
                history,
                exog,
                first=first,
                last=last,
                every_days=options["every"],
                zone=options["zone"],
                step_minutes=options["step"],
                forecast=forecast_day,
            )
        except (UnusableSeries, OSError, DomainError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("series                     days       MAE  MAE/week CRPS/week  cov80  drift")
        for row in rows:
            self.stdout.write(
                f"{row.series:26.26} {row.days:4d} {row.mae:9.3f} {row.mae_ratio:9.3f} {row.crps_ratio:9.3f} "
                f"{row.coverage:6.3f} {row.drift:6d}"
            )


def _of_files(folder: Path, series: list[str]) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    from forecasting.files import read_frame

    history = read_frame(folder / "history.csv")
    unknown = set(series) - set(history.columns)
    if unknown:
        raise CommandError(f"history.csv has no column {', '.join(sorted(unknown))}")
    exog = read_frame(folder / "exog.csv") if (folder / "exog.csv").exists() else None
    return history[series or list(history.columns)], exog


def _of_devices(codes: list[str], first: date, last: date) -> tuple[pd.DataFrame, None]:
    """Readings as known now: a backtest of today's models, with corrections that came later."""
    from forecasting.stored_history import device_history

    if not codes:
        raise CommandError("name a folder, or devices with --series")
    start = datetime.combine(first - timedelta(days=LONGEST_HISTORY_DAYS), time(), UTC)
    end = datetime.combine(last + timedelta(days=2), time(), UTC)
    return device_history(codes, start, end, as_of=clock.now()).dropna(how="all"), None
