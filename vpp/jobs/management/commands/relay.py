"""`manage.py relay`: turns rows into messages; as many as wanted may run, each job is handed to one of them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from vpp.jobs import relay
from vpp.jobs.signals import stop_on_signal


class Command(BaseCommand):
    help = "Hand due jobs to the broker and tick the schedule, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        relay.run(stop_on_signal())
