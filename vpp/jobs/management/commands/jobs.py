"""`manage.py jobs`: what is waiting, running, done or given up."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.jobs import operations
from vpp.jobs.models import Job


class Command(commands.ServiceCommand):
    help = "List jobs, newest first, or give one another try."
    examples = (
        "jobs --state dead",
        "jobs --retry nightly:DE:2016-03-12",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--state", choices=[state.lower() for state in Job.State.values], help="only these")
        parser.add_argument("--limit", type=int, default=30, help="most of them (default 30)")
        parser.add_argument("--retry", metavar="KEY", help="natural key of a failed or given-up job")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retry"]:
            self._retry(options["retry"])
            return
        jobs = Job.objects.order_by("-pk")
        if options["state"]:
            jobs = jobs.filter(state=options["state"].upper())
        rows = list(jobs[: options["limit"]])
        if not rows:
            self.stdout.write("no jobs")
        for job in rows:
            ended = f"{job.finished_at:%Y-%m-%d %H:%M:%S}" if job.finished_at else "-"
            self.stdout.write(f"{job.state:8} {job.attempts:2}x {ended:19} {job.natural_key} {job.error[:80]}".rstrip())

    def _retry(self, key: str) -> None:
        job = Job.objects.filter(natural_key=key).first()
        if job is None:
            raise CommandError(f"there is no job {key!r}; 'manage.py jobs' lists them")
        if job.state not in (Job.State.FAILED, Job.State.DEAD):
            raise CommandError(f"{key} is {job.get_state_display()}; only what failed or was given up is tried again")
        operations.retry(job=job)
        self.stdout.write(f"{key} will run again")
