"""`manage.py serve`: web, relay, schedule and workers in one process, for one machine."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from vpp.jobs import relay
from vpp.jobs.signals import stop_on_signal
from vpp.jobs.web import WebServer


class Command(BaseCommand):
    help = "Run the whole service in this process, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="host:port; loopback unless told otherwise")
        parser.add_argument("--no-migrate", action="store_true", help="do not bring the database up to date first")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["no_migrate"]:
            call_command("migrate", interactive=False, verbosity=0)
        stop = stop_on_signal()
        with ExitStack() as stack:
            if not settings.BROKER_URL:
                stack.enter_context(relay.embedded(with_schedule=True))
            server = stack.enter_context(WebServer(options["bind"]))
            self.stdout.write(f"serving on {server.url} - stop with Ctrl-C")
            stop.wait()
