"""`manage.py serve`: web, relay, schedule and workers in one process, for one machine; others beside it on request."""

from __future__ import annotations

import shlex
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command

from vpp.accounts import commands
from vpp.jobs import relay
from vpp.jobs.management.listening import add_bind, listening_on
from vpp.jobs.signals import stop_on_signal
from vpp.jobs.web import WebServer


class Command(commands.ServiceCommand):
    help = "Run the whole service in this process, until SIGTERM or Ctrl-C."
    examples = (
        "serve",
        "serve --bind 127.0.0.1:8001 --with 'play --every 1'",
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_bind(parser)
        parser.add_argument(
            "--with",
            action="append",
            default=[],
            metavar="COMMAND",
            help="another command to run beside, in a process of its own, as --with 'play --every 1'; may be repeated",
        )
        parser.add_argument("--no-migrate", action="store_true", help="do not bring the database up to date first")

    def handle(self, *args: Any, **options: Any) -> None:
        listening = listening_on(options["bind"])
        if not options["no_migrate"]:
            call_command("migrate", interactive=False, verbosity=0)
        stop = stop_on_signal()
        with ExitStack() as stack:
            if not settings.BROKER_URL:
                stack.enter_context(relay.embedded(with_schedule=True))
            server = stack.enter_context(WebServer(listening))
            for command in options["with"]:
                stack.enter_context(_beside(shlex.split(command)))
            self.stdout.write(f"serving on {server.url} - stop with Ctrl-C")
            stop.wait()


@contextmanager
def _beside(words: list[str]) -> Iterator[None]:
    """A command of ours in a process of its own, asked to end when we do."""
    process = subprocess.Popen([sys.executable, sys.argv[0], *words])  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
