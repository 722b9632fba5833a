"""`manage.py grid_emergency PORTFOLIO --up-kw 50 --minutes 60`, or `--end`: a grid operator's order, at once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.dispatch.operations.emergencies import EmergencyInForce, end_emergency, order_emergency
from vpp.enrollment.models import Portfolio
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = (
        "Order a portfolio's net power in an emergency of the grid, from now on: it counts before commits and markets,"
        " and after safety and owners who opt out (docs/dispatch.md)."
    )
    examples = (
        "grid_emergency PF-DE --up-kw 50 --minutes 60 --by 'grid control room' --reason 'line down'",
        "grid_emergency PF-DE --end",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("portfolio", help="its code")
        parser.add_argument("--up-kw", type=float, help="net power wanted, up positive; 0: nobody is moved")
        parser.add_argument("--minutes", type=commands.positive, default=60.0, help="how long it holds (default 60)")
        parser.add_argument("--by", default="control room", help="who orders it")
        parser.add_argument("--reason", default="", help="why, for the audit trail")
        parser.add_argument("--end", action="store_true", help="end the order in force")

    def handle(self, *args: Any, **options: Any) -> None:
        portfolio, now = Portfolio.objects.filter(code=options["portfolio"]).first(), clock.now()
        if portfolio is None:
            raise CommandError(f"no such portfolio: {options['portfolio']}")
        if options["end"]:
            ended = end_emergency(portfolio, at=now, actor=options["by"])
            self.stdout.write("ended" if ended else "no order is in force")
            return
        if options["up_kw"] is None:
            raise CommandError("give --up-kw, or --end")
        end = now + timedelta(minutes=options["minutes"])
        try:
            order = order_emergency(
                portfolio, options["up_kw"], start=now, end=end, at=now, ordered_by=options["by"],
                reason=options["reason"],
            )  # fmt: skip
        except EmergencyInForce as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{portfolio.code}: {order.up_kw:+.1f} kW until {end:%H:%M}Z")
