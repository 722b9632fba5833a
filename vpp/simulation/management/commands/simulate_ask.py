"""`manage.py simulate_ask`: a utility asks for power in the next quarter hours, accepts the bid and watches it come."""

from __future__ import annotations

import threading
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError

from vpp.accounts import commands
from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock
from vpp.lib.embedded_postgres import ensure_database
from vpp.lib.periods import DeliveryDay, delivery_day_of
from vpp.simulation.client import Client, HttpRefused, Unreachable
from vpp.simulation.demo.scenario import ZONE, ZONE_CODE
from vpp.simulation.demo.world import World
from vpp.simulation.trial import Trial, away

STEP = timedelta(minutes=15)
LEAST_LEAD = timedelta(minutes=2)  # so long the plant needs to forecast, bid and be accepted
CEILING_EUR_PER_MWH = 400.0


class Command(commands.ServiceCommand):
    help = (
        "Ask for upward power at a feeder of the trial's grid from the next quarter hour on, let the plant bid, accept"
        " it, and watch it being delivered. One live ask a day: the nightly run of a day bids once."
    )
    examples = ("simulate_ask --kw 30 --intervals 2",)
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kw", type=commands.positive, default=30.0, help="how much (default 30)")
        parser.add_argument("--intervals", type=int, default=2, help="quarter hours")
        parser.add_argument("--feeder", default="", help="default: the one with the largest batteries")
        parser.add_argument("--no-watch", action="store_true", help="end after the commit")
        parser.add_argument("--url", help="of the service; default: that of prepare_trial")

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_database()
        trial = Trial.load()
        if trial is None:
            raise CommandError("run prepare_trial first")
        stop = stop_on_signal()
        now = clock.now()
        begin = now + LEAST_LEAD + STEP
        begin -= timedelta(seconds=begin.timestamp() % STEP.total_seconds())
        end = begin + STEP * options["intervals"]
        day = delivery_day_of(begin, ZONE)
        if end > day.end:
            raise CommandError("that would pass midnight; ask for less or later")
        reference = f"trial-{now:%Y%m%dT%H%M%S}"
        url = options["url"] or trial.url
        with Client(url, trial.tokens["utility"]) as utility, Client(url, trial.tokens["reader"]) as reader:
            try:
                self._ask(utility, trial, reference, day, begin, options)
            except (HttpRefused, Unreachable) as error:
                raise CommandError(away(error)) from None
            self._bid(day)
            if not self._accept(utility, reference):
                raise CommandError(
                    f"no bid came on ask {reference}; see `manage.py jobs` and GET /api/v1/asks/{reference}"
                )
            if not options["no_watch"]:
                self._watch(reader, begin, end, stop)

    def _ask(
        self, utility: Client, trial: Trial, reference: str, day: DeliveryDay, begin: datetime, options: dict[str, Any]
    ) -> None:
        feeder = options["feeder"] or _best_feeder(World(trial.world))
        first = day.index_of(begin)
        chosen = range(first, first + options["intervals"])
        body = {
            "reference": reference,
            "congestion_point": _congestion_point(World(trial.world), feeder),
            "direction": "UP",
            "delivery_date": day.date.isoformat(),
            "interval_minutes": 15,
            "quantity_kw": [options["kw"] if index in chosen else 0.0 for index in range(day.n_intervals)],
            "ceiling_price_per_mwh": CEILING_EUR_PER_MWH,
            "gate_at": (begin - timedelta(seconds=45)).isoformat(),
            "expires_at": (begin - timedelta(seconds=15)).isoformat(),
        }
        utility.post("/api/v1/asks", body)
        until = begin + STEP * options["intervals"]
        self.stdout.write(f"ask {reference}: {options['kw']:.0f} kW up at {feeder}, {begin:%H:%M}Z to {until:%H:%M}Z")

    def _bid(self, day: DeliveryDay) -> None:
        """The plant's own bidding run; on other days its schedule starts it before the gates."""
        from vpp.simulation.demo.service import run_command

        self.stdout.write(run_command("nightly", "--zone", ZONE_CODE, "--date", day.date.isoformat()).rstrip())

    def _accept(self, utility: Client, reference: str) -> list[Any]:
        for bid in utility.get_all("/api/v1/bids", {"ask": reference}):
            if bid["state"] in ("SUBMITTED", "ACKNOWLEDGED"):
                utility.post(f"/api/v1/bids/{bid['id']}/accept", {})
        commits = utility.get_all("/api/v1/commits", {"ask": reference})
        for commit in commits:
            self.stdout.write(f"committed: {max(commit['up_kw']):.0f} kW")
        return commits

    def _watch(self, reader: Client, begin: datetime, end: datetime, stop: threading.Event) -> None:
        """A line every quarter of a minute, until the last interval is over."""
        while not stop.is_set() and clock.now() < end:
            now = clock.now()
            if now < begin:
                self.stdout.write(f"{now:%H:%M:%S}Z  delivery begins at {begin:%H:%M}Z")
                stop.wait(min(30.0, (begin - now).total_seconds() + 1.0))
                continue
            try:
                rows = [row for row in reader.get("/api/v1/deviations") if row["committed_up_kw"]]
            except HttpRefused as refused:
                self.stderr.write(str(refused))
                rows = []
            for row in rows:
                self.stdout.write(
                    f"{now:%H:%M:%S}Z  {row['portfolio']}: committed {row['committed_up_kw']:.1f} kW, on course for"
                    f" {row['expected_up_kw']:.1f} kW, {row['measured_pu']:.0%} of the devices heard from"
                )
            stop.wait(15.0)
        self._done(reader, begin, end)

    def _done(self, reader: Client, begin: datetime, end: datetime) -> None:
        query = {"date": delivery_day_of(begin, ZONE).date.isoformat()}
        for row in reversed(reader.get_all("/api/v1/dispatches", query)):
            at = datetime.fromisoformat(row["interval_start"])
            told = not row["revision"] or row["written"]
            if begin <= at < end and row["committed_up_kw"] and told:
                self.stdout.write(
                    f"{at:%H:%M}Z #{row['revision']} {row['portfolio']}: committed {row['committed_up_kw']:.1f},"
                    f" placed {row['placed_up_kw']:.1f} kW, {row['written']} setpoints"
                )


def _best_feeder(world: World) -> str:
    kw = world.controllable_kw_by_feeder()
    own = {row["feeder"] for row in world.table("portfolios") if row["feeder"]}
    return max(own, key=lambda feeder: kw.get(feeder, 0.0))


def _congestion_point(world: World, feeder: str) -> str:
    import json

    document = json.loads((world.folder / "network.json").read_text())
    return str(next(point["code"] for point in document["congestion_points"] if point["feeder"] == feeder))
