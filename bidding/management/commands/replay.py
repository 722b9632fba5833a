"""`manage.py replay --prices FILE --from D --to D`: what the bids of past days would have captured (docs/bid.md)."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from bidding.errors import BadPriceFile
from vpp.accounts import commands
from vpp.lib import clock

if TYPE_CHECKING:
    from bidding.kernels.replay import ReplayBattery, ReplayDay, ReplaySummary
    from bidding.operations.replay import PriceFile


class Command(commands.ServiceCommand):
    help = "Play past days of a price file as known then and compare with perfect foresight and persistence."
    examples = ("replay --prices prices.csv --from 2016-03-01 --to 2016-03-10 --plot value.svg",)
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prices", type=Path, required=True, help="CSV: a time column, a price column, EUR/MWh")
        parser.add_argument(
            "--from", dest="first", type=commands.day, required=True, help="first day to play, YYYY-MM-DD"
        )
        parser.add_argument("--to", dest="last", type=commands.day, required=True, help="last day to play, YYYY-MM-DD")
        parser.add_argument("--market", default="day-ahead energy", help="what the prices are of, for the report")
        parser.add_argument(
            "--power-kw", type=commands.positive, default=1000.0, help="of the battery that bids (default 1000)"
        )
        parser.add_argument(
            "--energy-kwh", type=commands.positive, default=2000.0, help="what it stores (default 2000)"
        )
        parser.add_argument("--wear-per-mwh", type=float, default=2.0, help="EUR per MWh moved (default 2)")
        parser.add_argument("--min-quantity-kw", type=float, default=100.0, help="the market's smallest bid")
        parser.add_argument("--history-days", type=int, default=400, help="what the forecast may look back on")
        parser.add_argument("--no-regressors", action="store_true", help="forecast from the prices alone")
        parser.add_argument("--plot", type=commands.new_file, help="an SVG of the cumulated value")
        parser.add_argument("--keep", action="store_true", help="keep the report where the console shows it")
        parser.add_argument("--csv", type=commands.new_file, help="the days, one row each")

    def handle(self, *args: Any, **options: Any) -> None:
        from bidding.kernels.replay import ReplayBattery, summed
        from bidding.operations.replay import read_prices

        battery = ReplayBattery(
            power_kw=options["power_kw"],
            energy_kwh=options["energy_kwh"],
            wear_per_mwh=options["wear_per_mwh"],
            min_quantity_kw=options["min_quantity_kw"],
        )
        try:
            file = read_prices(options["prices"], regressors=not options["no_regressors"])
            days = self._play(file, battery, options)
        except BadPriceFile as error:
            raise CommandError(error.message, returncode=1) from error
        summary = summed(days)
        self.stdout.write(
            f"{options['market']}, {file.name}, {len(days)} days, {battery.power_kw:g} kW / {battery.energy_kwh:g} kWh"
        )
        self._tell(summary)
        if options["keep"]:
            from bidding.operations.replay_reports import keep_report

            kept = keep_report(f"{options['market']}, {file.name}", battery, days, at=clock.now())
            self.stdout.write(f"  kept as report {kept.pk}")
        _write_files(summary, f"{options['market']}: value captured, {file.name}", options["plot"], options["csv"])

    def _play(self, file: PriceFile, battery: ReplayBattery, options: dict[str, Any]) -> list[ReplayDay]:
        """Day after day, each told as it ends where the verbosity asks for that. Raises BadPriceFile."""
        from bidding.operations.replay import KernelForecaster, replay

        days = []
        forecaster = KernelForecaster(options["history_days"])
        for day in replay(file, options["first"], options["last"], battery, forecaster=forecaster):
            days.append(day)
            if options["verbosity"] > 1:
                self.stdout.write(
                    f"{day.day}: {day.bid:.2f} of {day.perfect:.2f} EUR, persistence {day.persistence:.2f}, "
                    f"tau {day.forecast_tau:.2f}"
                )
        return days

    def _tell(self, summary: ReplaySummary) -> None:
        for name, label in (("perfect", "perfect foresight"), ("bid", "bids"), ("persistence", "persistence")):
            self.stdout.write(f"  {label:18s} {summary.total(name):12.2f} EUR {100 * summary.captured(name):6.1f} %")
        above = 100 * (summary.captured("bid") - summary.captured("persistence"))
        self.stdout.write(
            f"  bids are {above:.1f} points above persistence; rank correlation of the forecast "
            f"{summary.mean('forecast_tau'):.2f}, of persistence {summary.mean('persistence_tau'):.2f}"
        )


def _write_files(summary: ReplaySummary, title: str, plot: Path | None, table: Path | None) -> None:
    """The curve as an SVG and the days as CSV, where they are wanted."""
    from bidding.kernels.replay import as_svg

    if plot:
        plot.write_text(as_svg(summary, title=title))
    if table:
        with table.open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["day", "perfect_eur", "bid_eur", "persistence_eur", "forecast_tau", "persistence_tau"])
            rows.writerows(vars(day).values() for day in summary.days)
