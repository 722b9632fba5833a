"""`manage.py gateway`: readings from an MQTT broker (docs/telemetry.md)."""

from __future__ import annotations

import os
import socket
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.jobs.signals import stop_on_signal

REPORT_S = 60


class Command(commands.ServiceCommand):
    help = "Take readings from an MQTT broker, acknowledged once they are stored, until SIGTERM."
    examples = ("gateway --url mqtts://user:password@broker.example:8883",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        url = os.environ.get("VPP_MQTT_URL", "mqtt://127.0.0.1:1883")
        parser.add_argument("--url", default=url, help="mqtt[s]://user:password@host:port; default VPP_MQTT_URL")
        parser.add_argument(
            "--client-id",
            default=f"vpp-gateway-{socket.gethostname()}",
            help="of this gateway alone, and the same after a restart: the broker keeps its unacknowledged messages",
        )
        parser.add_argument("--group", default="vpp", help="gateways of a group share the load ($share)")

    def handle(self, *args: Any, **options: Any) -> None:
        from telemetry.gateway.loop import turn
        from telemetry.gateway.session import Session
        from telemetry.gateway.work import Tally

        stop, tally = stop_on_signal(), Tally()
        try:
            session = Session(options["url"], client_id=options["client_id"], group=options["group"], pause=stop.wait)
        except ValueError as error:
            raise CommandError(f"--url: {error}", returncode=2) from None
        self.stdout.write(f"gateway {options['client_id']} of group {options['group']}")
        told = time.monotonic()
        while not stop.is_set():
            turn(session, stop, tally)
            if time.monotonic() - told > REPORT_S:
                self.stdout.write(str(tally))
                told = time.monotonic()
        session.close()
        self.stdout.write(str(tally))
