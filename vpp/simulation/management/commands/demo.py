"""`manage.py demo`: one delivery day of a whole virtual power plant, from enrolment to payout (`make demo`)."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from socket import socket
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.jobs.management.listening import add_bind, listening_on
from vpp.lib.embedded_postgres import default_data_dir, ensure_database
from vpp.simulation.demo.scenario import BadScenario, Scenario, make_scenario

CHOSEN = "VPP_DEMO_CHOSEN"  # set for the second start, in the demo's own data folder


class Command(commands.ServiceCommand):
    help = "Play one delivery day on a real grid and show what it earned; then serve the console."
    examples = (
        "demo",
        "demo --date 2016-07-14 --bind 127.0.0.1:8001",
        "demo --no-serve --json result.json",
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-serve", action="store_true", help="end with exit code 0 instead of serving the console"
        )
        parser.add_argument("--full", action="store_true", help="the whole grid: 16,000 devices instead of 650")
        parser.add_argument("--date", type=commands.day, help="a day of 2016, the year of the measured profiles")
        parser.add_argument("--prices", type=Path, help="CSV with the columns start and price (EUR/MWh); else modelled")
        parser.add_argument("--seed", type=int, help="of the devices' faults and the market's competitors")
        parser.add_argument("--json", type=commands.new_file, help="also write the result to this file")
        parser.add_argument("--grid", default="", help="another SimBench grid, such as 1-LV-rural1--2-sw")
        add_bind(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            scenario = make_scenario(
                full=options["full"],
                grid=options["grid"],
                delivery_date=options["date"],
                seed=options["seed"],
                prices_file=options["prices"].resolve() if options["prices"] else None,
            )
        except BadScenario as error:
            raise CommandError(str(error), returncode=1) from None
        self._enter_own_data_folder(scenario)
        listening = listening_on("127.0.0.1:0" if options["no_serve"] else options["bind"])
        ensure_database()
        self._play(scenario, listening, options)

    def _enter_own_data_folder(self, scenario: Scenario) -> None:
        """Without DATABASE_URL each demo has a database of its own, so that no played day meets a real one."""
        if os.environ.get("DATABASE_URL") or os.environ.get(CHOSEN):
            return
        folder = default_data_dir() / "demo" / scenario.key
        folder.mkdir(parents=True, exist_ok=True)
        os.environ |= {"VPP_DATA_DIR": str(folder), CHOSEN: "1"}
        os.execv(sys.executable, [sys.executable, *sys.argv])

    def _play(self, scenario: Scenario, listening: socket, options: dict[str, Any]) -> None:
        from vpp.simulation.demo import director, show
        from vpp.simulation.demo.service import DemoFailed
        from vpp.simulation.price_files import BadPriceFile

        try:
            with director.played_day(scenario, listening) as played:
                show.print_result(played.result)
                if options["json"]:
                    options["json"].write_text(json.dumps(played.result, indent=2, default=str) + "\n")
                if not options["no_serve"]:
                    show.print_login(played.url, *played.login())
                    played.serve_until_stopped()
        except DemoFailed as error:
            raise CommandError(f"{error}\n{begin_anew()}", returncode=1) from None
        except BadPriceFile as error:
            raise CommandError(str(error), returncode=1) from None


def begin_anew() -> str:
    """A failed job is not run again by the next demo; where its data are, so that they can be thrown away."""
    folder = os.environ.get("VPP_DATA_DIR") if os.environ.get(CHOSEN) else None
    where = f"the folder {folder}" if folder else "the database"
    return f"A demo on the same data ends the same way. To begin anew, delete {where} and run it again."
