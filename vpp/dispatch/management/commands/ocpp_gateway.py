"""`manage.py ocpp_gateway`: charging stations connect here over OCPP 1.6 or 2.0.1 (docs/dispatch.md)."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection

from vpp.accounts import commands
from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock
from vpp.lib.memory import give_back_freed_memory


class Command(commands.ServiceCommand):
    help = (
        "Central system for charging stations: ws://HOST:PORT/ocpp/STATION with basic authentication"
        " (link_devices --station makes one). Put TLS in front of it. Ends on SIGTERM."
    )
    examples = ("ocpp_gateway --bind 127.0.0.1:9000",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:9000", help="host:port; loopback unless told otherwise")
        parser.add_argument("--timeout", type=float, default=10.0, help="seconds until silence is no answer")
        parser.add_argument("--pause", type=float, default=0.5, help="seconds between two looks for new setpoints")

    def handle(self, *args: Any, **options: Any) -> None:
        give_back_freed_memory()
        stop = stop_on_signal()
        host, _, port = options["bind"].rpartition(":")
        if not host or not port.isdecimal():
            raise CommandError(f"cannot listen on {options['bind']!r}: it takes host:port, as 127.0.0.1:9000")
        try:
            asyncio.run(self._run(host.strip("[]"), int(port), options, stop))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CommandError(f"cannot listen on {options['bind']!r} ({reason}); choose another --bind") from None

    async def _run(self, host: str, port: int, options: dict[str, Any], stop: Any) -> None:
        from vpp.dispatch.gateway.lead import OCPP, lead
        from vpp.dispatch.ocpp.carry import Carrier
        from vpp.dispatch.ocpp.server import CentralSystem

        system = CentralSystem(clock.now, answer_s=options["timeout"])
        carrier, server = Carrier(system), await system.listen(host, port)
        where = server.sockets[0].getsockname()
        self.stdout.write(f"stations connect to ws://{where[0]}:{where[1]}/ocpp/STATION")
        while not stop.is_set():
            try:
                if await system.in_database(lead, OCPP):
                    await carrier.turn()
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database is away: {error}")
                await system.in_database(connection.close)
            await asyncio.sleep(options["pause"])
        server.close()
        self.stdout.write(f"{carrier.carried} setpoints answered")
