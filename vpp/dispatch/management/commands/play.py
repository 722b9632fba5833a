"""`manage.py play`: run control cycles, live or for a given day; ends cleanly on SIGTERM."""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection

from vpp.accounts import commands
from vpp.dispatch import operations
from vpp.dispatch.models import ControlCycle
from vpp.enrollment.models import Portfolio
from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock
from vpp.lib.memory import give_back_freed_memory
from vpp.lib.periods import DeliveryDay

STEP_S = 900
REACT_S = 2.0
WATCH_S = 60.0


@dataclass
class Pace:
    """How the cycles of a running loop keep time: what each took, and those that could not begin in their minute."""

    took_s: list[float] = field(default_factory=list)
    missed: int = 0

    def told(self) -> str:
        """A line about all cycles since the last, which are then forgotten."""
        if not self.took_s:
            return ""
        took_s, missed = sorted(self.took_s), self.missed
        self.took_s, self.missed = [], 0
        p95_s = took_s[min(int(0.95 * len(took_s)), len(took_s) - 1)]
        return f"{len(took_s)} cycles: 95 of 100 within {p95_s:.2f} s, longest {took_s[-1]:.2f} s, {missed} missed"


class Command(commands.ServiceCommand):
    help = (
        "Run the control loop. Without arguments: live, at every quarter hour, and with --every N also every N minutes"
        " inside it, on what the devices report meanwhile. With --at: one interval. With --date:"
        " every interval of that delivery day, one after the other; with --close as well: only what is left to do"
        " after the day."
    )
    examples = (
        "play",
        "play --every 1 --portfolio PF-DE",
        "play --date 2016-03-10",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pace = Pace()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=commands.day, help="delivery day, YYYY-MM-DD")
        parser.add_argument("--portfolio", action="append", help="portfolio code; repeat for several; default: all")
        parser.add_argument("--at", type=commands.moment, help="a moment with offset: only its interval")
        parser.add_argument("--revision", type=int, default=0, help="above 0: react again inside the interval")
        parser.add_argument("--every", type=int, default=15, metavar="N", help="live: minutes between cycles, 1 to 15")
        parser.add_argument("--close", action="store_true", help="judge the last interval of --date and close the day")

    def handle(self, *args: Any, **options: Any) -> None:
        codes = options["portfolio"]
        if options["close"]:
            return self._close(_portfolios(codes), options["date"])
        if options["at"] is not None:
            return self._play(_portfolios(codes), _start_of(options["at"]), options["revision"])
        if not 1 <= options["every"] <= STEP_S // 60:
            raise CommandError("--every is 1 to 15 minutes")
        stop = stop_on_signal()
        if options["date"] is not None:
            self._day(_portfolios(codes), options["date"], stop)
        else:
            give_back_freed_memory()
            self._live(codes, options["every"] * 60, stop)
        if stop.is_set():
            self.stdout.write("stopped")
        return None

    def _day(self, portfolios: list[Portfolio], day: date, stop: threading.Event) -> None:
        for start in sorted({start for one in portfolios for start in DeliveryDay(day, one.time_zone).starts()}):
            self._play(portfolios, start, 0)
            if stop.is_set():
                break

    def _live(self, codes: list[str] | None, every_s: int, stop: threading.Event) -> None:
        """One interval after the other. After a lost database the running one is taken up again: its first cycle is
        there already, or is made now. Portfolios that came since the last interval are among the next one's."""
        while not stop.is_set():
            try:
                portfolios, start, begun = _portfolios(codes), _start_of(clock.now()), time.monotonic()
                self._play(portfolios, start, 0)
                self._pace.took_s.append(time.monotonic() - begun)
                self._attend(portfolios, start.timestamp(), every_s, stop)
            except (OperationalError, InterfaceError) as error:
                self.stderr.write(f"the database is away: {error}")
                connection.close()
                stop.wait(1.0)
            else:
                self.stdout.write(self._pace.told())

    def _attend(self, portfolios: list[Portfolio], begins: float, every_s: int, stop: threading.Event) -> None:
        """Until the interval ends: a cycle every so many minutes, one at once after refusals, and each minute a look
        whether a commitment goes short."""
        ids, watched = [one.pk for one in portfolios], 0.0
        number = int(max(clock.now().timestamp() - begins, 0.0) // every_s) + 1  # a loop may begin inside an interval
        ends = begins + STEP_S
        while not stop.wait(max(min(REACT_S, ends - clock.now().timestamp()), 0.0)):
            now = clock.now()
            if now.timestamp() >= ends:
                return
            if now.timestamp() >= begins + number * every_s:
                late = int((now.timestamp() - begins) // every_s) - number
                self._pace.missed += late
                if late:
                    self.stderr.write(f"{late} cycles before {now:%H:%M:%S}Z were missed")
                number += late + 1
                begun = time.monotonic()
                self._tell(operations.hold(ids, now))
                self._pace.took_s.append(time.monotonic() - begun)
            else:
                self._tell(operations.react(ids, now))
            if now.timestamp() - watched >= WATCH_S:
                operations.watch(portfolios, now)
                watched = now.timestamp()

    def _tell(self, cycles: list[ControlCycle]) -> None:
        for cycle in cycles:
            if cycle.written:
                self.stdout.write(_line(cycle))

    def _play(self, portfolios: list[Portfolio], start: datetime, revision: int) -> None:
        for cycle in step(portfolios, start, revision=revision):
            self.stdout.write(_line(cycle))

    def _close(self, portfolios: list[Portfolio], day: date | None) -> None:
        if day is None:
            raise CommandError("--close needs the --date of the day to close")
        for one in portfolios:
            closed = operations.close_day(one.pk, day, clock.now())
            self.stdout.write(f"{one.code}: {day} closed, {closed['periods']} dispatched periods")


def step(portfolios: list[Portfolio], interval_start: datetime, *, revision: int = 0) -> list[ControlCycle]:
    """One control cycle of each portfolio for one interval, at the present moment; an interval of another day than
    today is played as if it began now."""
    now = clock.now()
    live = clock.is_simulated() or abs((now - interval_start).total_seconds()) < STEP_S
    at = max(now, interval_start) if live else interval_start
    return operations.control_cycles([one.pk for one in portfolios], interval_start, at, revision)


def _start_of(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise CommandError("--at needs an offset, as 2016-07-14T10:00:00+02:00")
    return moment - timedelta(seconds=moment.timestamp() % STEP_S)


def _portfolios(codes: list[str] | None) -> list[Portfolio]:
    found = Portfolio.objects.filter(code__in=codes) if codes else Portfolio.objects.all()
    if codes and (missing := set(codes) - {one.code for one in found}):
        raise CommandError(f"no such portfolio: {', '.join(sorted(missing))}")
    return list(found.order_by("code"))


def _line(cycle: ControlCycle) -> str:
    return (
        f"{cycle.interval_start:%Y-%m-%dT%H:%MZ} {cycle.portfolio.code}: committed {cycle.committed_up_kw:+.1f} kW,"
        f" placed {cycle.placed_up_kw:+.1f}, missing {cycle.residual_up_kw:+.1f}, {cycle.written} setpoints written,"
        f" {cycle.unavailable} devices out"
    )
