"""`manage.py settle --date 2016-07-14`: settle a closed delivery day of every portfolio, or of one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, CommandParser

from vpp.accounts import commands
from vpp.enrollment.models import Portfolio
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.settlement.models import SettlementRun


class Command(commands.ServiceCommand):
    help = "Settle a closed delivery day. A version that exists is left as it is."
    examples = (
        "settle --date 2016-03-10",
        "settle --date 2016-03-10 --portfolio PF-DE --verify",
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """`--version` is the run's here, not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=commands.day, required=True, help="local delivery day, YYYY-MM-DD")
        parser.add_argument("--portfolio", help="code of one portfolio; all of them without it")
        parser.add_argument("--version", type=int, default=1, dest="run_version", help="2 and on restate the day")
        parser.add_argument("--verify", action="store_true", help="compute stored runs again and compare")

    def handle(self, *args: Any, **options: Any) -> None:
        portfolios = Portfolio.objects.order_by("code")
        if options["portfolio"]:
            portfolios = portfolios.filter(code=options["portfolio"])
        if not portfolios:
            code = options["portfolio"]
            raise CommandError(f"there is no portfolio {code!r}" if code else "there is no portfolio yet")
        try:
            for portfolio in portfolios:
                run = self._verify(portfolio, options) if options["verify"] else self._settle(portfolio, options)
                self.stdout.write(
                    f"{portfolio.code} {run.delivery_date} v{run.version} {run.state}: revenue {run.revenue}, penalty"
                    f" {run.penalty}, payouts {run.payouts}, fees {run.fees}, margin {run.margin} {run.currency}"
                )
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}") from error

    def _settle(self, portfolio: Portfolio, options: dict[str, Any]) -> SettlementRun:
        from vpp.settlement import operations

        return operations.settle_day(
            portfolio_id=portfolio.pk, delivery_date=options["date"], version=options["run_version"], at=clock.now()
        )

    def _verify(self, portfolio: Portfolio, options: dict[str, Any]) -> SettlementRun:
        from vpp.settlement import operations

        run = SettlementRun.objects.filter(
            portfolio=portfolio, delivery_date=options["date"], version=options["run_version"]
        ).first()
        if run is None:
            raise CommandError(f"{portfolio.code} has no run v{options['run_version']} of {options['date']}")
        operations.verify_run(run)
        return run
