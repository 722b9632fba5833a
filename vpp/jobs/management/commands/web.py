"""`manage.py web`: the web process alone."""

from __future__ import annotations

from argparse import ArgumentParser
from socket import socket
from typing import Any

from django.core.management.base import BaseCommand

from vpp.jobs.prefork import listening_socket, run_processes
from vpp.jobs.signals import stop_on_signal
from vpp.jobs.web import WebServer


class Command(BaseCommand):
    help = "Serve the console and the API, until SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="host:port; loopback unless told otherwise")
        parser.add_argument(
            "--processes", type=int, default=1, help="that share the port; one for each core it may use"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = stop_on_signal()
        if options["processes"] > 1:
            shared = listening_socket(options["bind"])
            run_processes(options["processes"], lambda: self.serve(options["bind"], shared), stop)
        else:
            self.serve(options["bind"])

    def serve(self, bind: str, shared: socket | None = None) -> None:
        stop = stop_on_signal()
        with WebServer(bind, listening=shared) as server:
            self.stdout.write(f"serving on {server.url}")
            stop.wait()
