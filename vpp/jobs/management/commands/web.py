"""`manage.py web`: the web process alone."""

from __future__ import annotations

from argparse import ArgumentParser
from socket import socket
from typing import Any

from vpp.accounts import commands
from vpp.jobs.management.listening import add_bind, listening_on
from vpp.jobs.prefork import run_processes
from vpp.jobs.signals import stop_on_signal
from vpp.jobs.web import WebServer


class Command(commands.ServiceCommand):
    help = "Serve the console and the API, until SIGTERM."
    examples = ("web --bind 127.0.0.1:8000 --processes 2",)
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_bind(parser)
        parser.add_argument(
            "--processes", type=int, default=1, help="that share the port; one for each core it may use"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_on_signal()
        listening = listening_on(options["bind"])
        if options["processes"] > 1:
            run_processes(options["processes"], lambda: self.serve(listening), stop)
        else:
            self.serve(listening)

    def serve(self, listening: socket) -> None:
        stop = stop_on_signal()
        with WebServer(listening) as server:
            self.stdout.write(f"serving on {server.url}")
            stop.wait()
