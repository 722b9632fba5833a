"""`manage.py nightly --date D --zone Z [--at MOMENT]`: forecast and bid for one delivery day, as jobs that
are run here.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.core.management.base import CommandError

from bidding import actors, operations, queries
from bidding.errors import GatePassed, NoMarkets
from bidding.models import Bid, Product
from vpp.accounts import commands
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job
from vpp.lib import clock


class Command(commands.ServiceCommand):
    help = "Run the nightly forecast and bids of a zone; a repeat, or a run after a kill, makes no second bid."
    examples = (
        "nightly --date 2016-03-12 --zone DE",
        "nightly --date 2016-03-12 --zone DE --at 2016-03-11T09:00+01:00 --dry-run",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=commands.day, required=True, help="delivery date, YYYY-MM-DD")
        parser.add_argument("--zone", required=True, help="zone code, as DE")
        parser.add_argument("--at", type=commands.moment, help="the moment to bid at (default: now)")
        parser.add_argument("--dry-run", action="store_true", help="forecast, bid and check, but send and keep nothing")
        parser.add_argument("--enqueue", action="store_true", help="only write the job; a worker runs it")

    def handle(self, *args: Any, **options: Any) -> None:
        at = options["at"] or clock.now()
        if options["dry_run"]:
            self._dry_run(options["zone"], options["date"], at)
            return
        job = actors.enqueue_nightly(zone_code=options["zone"], delivery_date=options["date"], at=at)
        if options["enqueue"]:
            self.stdout.write(f"job {job.natural_key} {job.state}")
            return
        if options["at"]:
            clock.set_simulated(at)
        jobs.run_until_done(job)
        if job.state != Job.State.DONE:
            raise CommandError(f"job {job.natural_key} {job.state}: {job.error}", returncode=1)
        self._report(options["zone"], options["date"])

    def _dry_run(self, zone_code: str, delivery_date: date, at: datetime) -> None:
        try:
            found = operations.dry_run(zone_code=zone_code, delivery_date=delivery_date, at=at)
        except (GatePassed, NoMarkets) as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=1) from error
        self.stdout.write(f"dry run of {zone_code} {delivery_date}: nothing is sent or kept")
        for name, state, seconds, findings in found.steps:
            self.stdout.write(f"  {name}: {state}, {seconds} s")
            for finding in findings:
                self.stdout.write(f"    {finding}")
        for bid in found.bids:
            gap = "" if bid.gap is None else f", gap {bid.gap:.2%}"
            self.stdout.write(
                f"  {bid.portfolio} {bid.product}: up {bid.up_kwh:.1f} kWh, down {bid.down_kwh:.1f} kWh, "
                f"{bid.points} points{gap}"
            )

    def _report(self, zone_code: str, delivery_date: date) -> None:
        run = queries.nightly_run(zone_code, delivery_date)
        if run is None:
            return
        self.stdout.write(f"{run} {run.state}")
        for step in run.steps.order_by("pk"):
            self.stdout.write(f"  {step.name}: {step.state}, {step.duration_s} s")
            for finding in step.detail.get("findings", []):
                self.stdout.write(f"    {finding}")
        for bid in run.bids.select_related("product__market", "portfolio").order_by("pk"):
            self.stdout.write(f"  {bid} {bid.state} {_told(bid)}")


def _told(bid: Bid) -> str:
    """What a bid comes to over the day, both ways: energy, or capacity held over time; and its gap."""
    up, down = sum(bid.up_kw) / 4, sum(bid.down_kw) / 4
    unit = "kWh" if bid.product.kind in (Product.Kind.ENERGY, Product.Kind.ASK) else "kW x h held"
    gap = "" if bid.gap is None else f", gap {bid.gap:.2%}"
    return f"{bid.product.market.code} {bid.product.code}: up {up:.1f}, down {down:.1f} {unit}{gap}"
