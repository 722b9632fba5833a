"""`manage.py prepare_trial`: a small plant on today's date, for trying the service live in three terminals."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from vpp.accounts import commands
from vpp.lib import clock
from vpp.lib.embedded_postgres import ensure_database


class Command(commands.ServiceCommand):
    help = "Enroll a simulated plant of some 650 devices, with three weeks of readings until now (docs/dispatch.md)."
    examples = ("prepare_trial",)
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--mqtt", action="store_true", default=bool(os.environ.get("VPP_MQTT_URL")),
            help="the devices are behind one MQTT gateway (default if VPP_MQTT_URL is set); else they poll over HTTP",
        )  # fmt: skip
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service will be")

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_database()
        from vpp.simulation.demo.trial_setup import prepare

        prepare(clock.now(), url=options["url"], mqtt=options["mqtt"], say=self.stdout.write)
        self.stdout.write("ready: start the service, then simulate_fleet, then simulate_ask")
