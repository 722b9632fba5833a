"""`manage.py backtest [DIR]`: score forecasts of past days against last week, of files or of stored devices."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django.core.management.base import CommandError, CommandParser

from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError

if TYPE_CHECKING:
    import pandas as pd

LONGEST_HISTORY_DAYS = 220


class Command(commands.ServiceCommand):
    help = (
        "Forecast the days --from to --to of DIR/history.csv (with DIR/exog.csv if there is one) as they would have "
        "been at 10:00 the day before, and print MAE, ratios to last week and coverage, worst series first. "
        "Without DIR --series names devices, whose readings come from the database."
    )
    examples = (
        "backtest folder --from 2016-07-01 --to 2016-07-10",
        "backtest --series house-1 house-2 --from 2016-07-01 --to 2016-07-10",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", help="holds history.csv, and exog.csv if there is weather")
        parser.add_argument(
            "--from", dest="first", type=commands.day, required=True, help="first forecast day, YYYY-MM-DD"
        )
        parser.add_argument("--to", dest="last", type=commands.day, required=True, help="last forecast day, YYYY-MM-DD")
        parser.add_argument("--every", type=int, default=1, help="days between forecast days")
        parser.add_argument("--series", nargs="*", default=[], help="columns, all if none is named; or device codes")
        parser.add_argument("--zone", default="Europe/Berlin", help="whose days and holidays (default Europe/Berlin)")
        parser.add_argument("--step", type=int, default=15, choices=(15, 30, 60), help="minutes")

    def handle(self, *args: Any, folder: Path | None, first: date, last: date, **options: Any) -> None:
        from forecasting.kernels.backtest import backtest
        from forecasting.kernels.day_ahead import forecast_day

        if options["every"] < 1:
            raise CommandError("--every must be 1 or more")
        if options["zone"] not in available_timezones():
            raise CommandError(f"--zone: there is no time zone {options['zone']!r}, as Europe/Berlin")
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
        except (ValueError, OSError, DomainError) as error:  # UnusableSeries, and what no CSV in UTF-8 is
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
