"""`manage.py dispatch_gateway`: setpoints to devices over MQTT, answers back (docs/dispatch.md)."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection

from vpp.accounts import commands
from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock
from vpp.lib.memory import give_back_freed_memory

if TYPE_CHECKING:
    from vpp.dispatch.gateway.session import Session

CLIENT_ID = "vpp-dispatch"


class Command(commands.ServiceCommand):
    help = "Send setpoints over MQTT and store their acknowledgements, until SIGTERM. One process at a time sends."
    examples = ("dispatch_gateway --url mqtts://user:password@broker.example:8883",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        url = os.environ.get("VPP_MQTT_URL", "mqtt://127.0.0.1:1883")
        parser.add_argument("--url", default=url, help="mqtt[s]://user:password@host:port; default VPP_MQTT_URL")
        parser.add_argument("--retry", type=float, default=20.0, help="seconds until silence is answered by a repeat")
        parser.add_argument("--pause", type=float, default=0.2, help="seconds between two looks for new setpoints")

    def handle(self, *args: Any, **options: Any) -> None:
        from vpp.dispatch.gateway.lead import MQTT, lead
        from vpp.dispatch.gateway.session import Session
        from vpp.dispatch.gateway.turn import Outbox, turn

        give_back_freed_memory()
        stop, outbox = stop_on_signal(), Outbox(retry_after=timedelta(seconds=options["retry"]))
        try:
            session = Session(options["url"], client_id=CLIENT_ID)
        except ValueError as error:
            raise CommandError(f"--url: {error}", returncode=2) from None
        leads = False
        while not stop.is_set():
            busy = 0
            try:
                if not leads:
                    leads = lead(MQTT) and self._begin(session)
                elif session.connected.wait(timeout=1.0) and lead(MQTT):
                    busy = turn(session, outbox, clock.now())
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database is away: {error}")
                connection.close()
                stop.wait(1.0)
            if not busy:
                stop.wait(options["pause"] if leads else 1.0)
        if leads:
            session.stop()
        self.stdout.write(f"{outbox.sent} commands sent, {outbox.stored} answers stored")

    def _begin(self, session: Session) -> bool:
        session.start()
        self.stdout.write("dispatch gateway leads")
        return True
