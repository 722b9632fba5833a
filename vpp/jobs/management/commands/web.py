"""`manage.py web`: the web process alone."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from vpp.jobs.signals import stop_on_signal
from vpp.jobs.web import WebServer


class Command(BaseCommand):
    help = "Serve the console and the API, until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="host:port; loopback unless told otherwise")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_on_signal()
        with WebServer(options["bind"]) as server:
            self.stdout.write(f"serving on {server.url}")
            stop.wait()
