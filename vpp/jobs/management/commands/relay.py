"""`manage.py relay`: turns rows into messages; as many as wanted may run, each job is handed to one of them."""

from __future__ import annotations

from typing import Any

from vpp.accounts import commands
from vpp.jobs import relay
from vpp.jobs.signals import stop_on_signal


class Command(commands.ServiceCommand):
    help = "Hand due jobs to the broker and tick the schedule, until SIGTERM."
    examples = ("relay",)

    def handle(self, *args: Any, **options: Any) -> None:
        relay.run(stop_on_signal())
