"""`manage.py play`: run control cycles, live or for a given day; ends cleanly on SIGTERM."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpp.dispatch import operations
from vpp.dispatch.models import ControlCycle
from vpp.enrollment.models import Portfolio
from vpp.lib import clock
from vpp.lib.periods import DeliveryDay

STEP_S = 900


class Command(BaseCommand):
    help = (
        "Run the control loop. Without arguments: live, at every quarter hour. With --at: one interval. With --date:"
        " every interval of that delivery day, one after the other."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, help="delivery day, YYYY-MM-DD")
        parser.add_argument("--portfolio", action="append", help="portfolio code; repeat for several; default: all")
        parser.add_argument("--at", type=datetime.fromisoformat, help="a moment with offset: only its interval")
        parser.add_argument("--revision", type=int, default=0, help="above 0: react again inside the interval")

    def handle(self, *args: Any, **options: Any) -> None:
        portfolios = _portfolios(options["portfolio"])
        stop = threading.Event()
        earlier = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda number, frame: _ask_to_stop(stop, number, frame))
        try:
            for start in _intervals(portfolios, options["date"], options["at"], stop):
                for cycle in step(portfolios, start, revision=options["revision"]):
                    self.stdout.write(_line(cycle))
                if stop.is_set():
                    self.stdout.write("stopped")
                    return
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, earlier)


def step(portfolios: list[Portfolio], interval_start: datetime, *, revision: int = 0) -> list[ControlCycle]:
    """One control cycle of each portfolio for one interval. Played days carry their own time, see `clock`."""
    at = max(clock.now(), interval_start) if clock.is_simulated() or _is_live(interval_start) else interval_start
    return [operations.control_cycle(one.pk, interval_start, at, revision) for one in portfolios]


def _is_live(interval_start: datetime) -> bool:
    return abs((clock.now() - interval_start).total_seconds()) < STEP_S


def _intervals(
    portfolios: list[Portfolio], day: date | None, moment: datetime | None, stop: threading.Event
) -> Iterator[datetime]:
    if moment is not None:
        if moment.tzinfo is None:
            raise CommandError("--at needs an offset, as 2016-07-14T10:00:00+02:00")
        yield _start_of(moment)
    elif day is not None:
        yield from sorted({start for one in portfolios for start in DeliveryDay(day, one.time_zone).starts()})
    else:
        while not stop.is_set():
            yield _start_of(clock.now())
            stop.wait(STEP_S - clock.now().timestamp() % STEP_S)


def _start_of(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.timestamp() % STEP_S)


def _portfolios(codes: list[str] | None) -> list[Portfolio]:
    found = Portfolio.objects.filter(code__in=codes) if codes else Portfolio.objects.all()
    if codes and (missing := set(codes) - {one.code for one in found}):
        raise CommandError(f"no such portfolio: {', '.join(sorted(missing))}")
    return list(found.order_by("code"))


def _ask_to_stop(stop: threading.Event, number: int, frame: FrameType | None) -> None:
    stop.set()


def _line(cycle: ControlCycle) -> str:
    return (
        f"{cycle.interval_start:%Y-%m-%dT%H:%MZ} {cycle.portfolio.code}: committed {cycle.committed_up_kw:+.1f} kW,"
        f" placed {cycle.placed_up_kw:+.1f}, missing {cycle.residual_up_kw:+.1f}, {cycle.written} setpoints written,"
        f" {cycle.unavailable} devices out"
    )
