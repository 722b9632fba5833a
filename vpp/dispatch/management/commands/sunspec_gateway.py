"""`manage.py sunspec_gateway`: setpoints to devices over Modbus TCP, readings back (docs/dispatch.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from vpp.accounts import commands
from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = "Talk to the devices whose link is SUNSPEC HOST:PORT/UNIT, until SIGTERM. One process at a time sends."
    examples = ("sunspec_gateway --dead-man 120 --measure 30",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dead-man", type=int, default=120, help="seconds a device holds what nobody refreshes")
        parser.add_argument("--measure", type=int, default=30, help="seconds between two readings of a device")
        parser.add_argument("--pause", type=float, default=1.0, help="seconds between two looks for new setpoints")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.dispatch.gateway.lead import SUNSPEC, lead
        from vpp.dispatch.sunspec.carry import Carrier

        stop = stop_on_signal()
        carrier = Carrier(clock.now, dead_man_s=options["dead_man"], measure_s=options["measure"])
        self.stdout.write("sunspec gateway runs")
        while not stop.is_set():
            try:
                if lead(SUNSPEC):
                    carrier.turn()
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database is away: {error}")
                connection.close()
            stop.wait(options["pause"])
        carrier.close()
        self.stdout.write(f"{carrier.carried} setpoints answered")
