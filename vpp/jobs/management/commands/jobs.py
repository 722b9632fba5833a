"""`manage.py jobs`: what is waiting, running, done or given up."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.jobs import operations
from vpp.jobs.models import Job


class Command(BaseCommand):
    help = "List jobs, newest first, or give one another try."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--state", choices=[state.lower() for state in Job.State.values])
        parser.add_argument("--limit", type=int, default=30)
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
        operations.retry(job=job)
        self.stdout.write(f"{key} will run again")
