"""`manage.py forecast_models list | roll-back KEY | reinstate KEY VERSION`: stored estimators and their versions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.errors import DomainError


class Command(commands.ServiceCommand):
    help = (
        "List the stored estimators (gradient models of a zone's classes, ARIMA parameters of portfolios), withdraw "
        "the newest version of one so that the version before it serves, or let a withdrawn version stand again."
    )
    examples = (
        "forecast_models list gradient:",
        "forecast_models roll-back gradient:DE:load",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, help="what to do; each explains itself with --help")
        steps.add_parser("list").add_argument("key", nargs="?", default="", help="beginning of the keys to show")
        steps.add_parser("roll-back").add_argument("key", help="as `list` shows it")
        again = steps.add_parser("reinstate")
        again.add_argument("key", help="as `list` shows it")
        again.add_argument("version", type=int, help="the withdrawn one")

    def handle(self, *args: Any, step: str, key: str, **options: Any) -> None:
        from forecasting import operations

        try:
            if step == "roll-back":
                row = operations.roll_back(series_key=key, at=clock.now())
                self.stdout.write(f"{row} serves again")
            elif step == "reinstate":
                self.stdout.write(f"{operations.reinstate(series_key=key, version=options['version'])} stands again")
            else:
                self._list(key)
        except DomainError as error:
            raise CommandError(error.message) from error

    def _list(self, key: str) -> None:
        from forecasting.models import Estimator

        rows = Estimator.objects.filter(series_key__startswith=key).order_by("series_key", "-version").defer("numbers")
        for row in rows:
            state = f"withdrawn {row.withdrawn_at:%Y-%m-%d %H:%MZ}" if row.withdrawn_at else "stands"
            self.stdout.write(
                f"{row.series_key:40} v{row.version:<4} {row.kind:8} fitted {row.fitted_at:%Y-%m-%d %H:%MZ}  {state}"
            )
