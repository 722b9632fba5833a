"""`manage.py flex_contract ID --utility CODE --congestion-point CODE ...`: a standing contract with a utility."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from bidding.models import FlexContract
from vpp.accounts import commands
from vpp.accounts.models import Participant
from vpp.network.models import CongestionPoint


class Command(commands.ServiceCommand):
    help = "Make a standing contract, under which a utility may order directly; its id stands for one contract."
    examples = (
        "flex_contract C-1 --utility dso.example --congestion-point ea1.2016-01.dso.example:LV1 "
        "--direction UP --power-kw 50 --energy-kwh 200 --price-per-mwh 90 --from 2016-04-01",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("contract_id", help="as the utility names it in its orders")
        parser.add_argument("--utility", required=True, help="code of the utility")
        parser.add_argument("--congestion-point", required=True, help="its code; one of that utility's")
        parser.add_argument(
            "--direction", choices=["UP", "DOWN"], required=True, help="UP: less consumption or more production"
        )
        parser.add_argument(
            "--power-kw", type=commands.positive, required=True, help="most that may be ordered at a time"
        )
        parser.add_argument("--energy-kwh", type=commands.positive, help="most energy ordered on a day")
        parser.add_argument("--price-per-mwh", type=float, required=True, help="EUR/MWh")
        parser.add_argument(
            "--from", dest="first", type=commands.day, required=True, help="first delivery day, YYYY-MM-DD"
        )
        parser.add_argument(
            "--until", dest="last", type=commands.day, help="last delivery day; without it until further notice"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        utility = Participant.objects.filter(code=options["utility"], kind=Participant.Kind.UTILITY).first()
        point = CongestionPoint.objects.filter(code=options["congestion_point"], utility=utility).first()
        if utility is None or point is None:
            raise CommandError("there is no such utility, or the congestion point is not its own")
        _, made = FlexContract.objects.get_or_create(
            utility=utility,
            contract_id=options["contract_id"],
            defaults={
                "congestion_point": point,
                "direction": options["direction"],
                "power_kw": options["power_kw"],
                "energy_limit_kwh": options["energy_kwh"],
                "price_per_mwh": options["price_per_mwh"],
                "first_date": options["first"],
                "last_date": options["last"],
            },
        )
        self.stdout.write(f"contract {options['contract_id']} {'made' if made else 'exists and stays as it is'}")
