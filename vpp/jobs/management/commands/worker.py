"""`manage.py worker`: runs jobs from RabbitMQ or Redis."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.jobs.signals import stop_on_signal


class Command(commands.ServiceCommand):
    help = "Run jobs that the broker delivers, until SIGTERM; a job that is under way is finished first."
    examples = (
        "worker",
        "worker --queues settlement --threads 1",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=2, help="jobs at a time (default 2)")
        parser.add_argument("--queues", nargs="*", help="only these queues (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError("VPP_BROKER_URL is empty: the in-memory broker lives inside 'manage.py serve'")
        import dramatiq

        stop, broker = stop_on_signal(), dramatiq.get_broker()
        queues, known = set(options["queues"] or ()) or None, broker.get_declared_queues()
        if queues and (unknown := sorted(queues - known)):
            raise CommandError(f"there is no queue {unknown[0]!r}; there are {', '.join(sorted(known))}")
        worker = dramatiq.Worker(broker, queues=queues, worker_threads=options["threads"])
        worker.start()
        stop.wait()
        worker.stop(timeout=600_000)
