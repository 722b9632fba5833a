"""`manage.py play` and the close of the day."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from forecasting.models import DispatchedPeriod
from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_client
from vpp.dispatch import actors, operations
from vpp.dispatch.management.commands import play
from vpp.dispatch.models import ControlCycle, DeviceUse
from vpp.lib import clock

pytestmark = pytest.mark.django_db


def test_play_runs_the_interval_of_a_moment_once() -> None:
    played = PlayedDay(2, up_kw=6.0)
    at = played.start(40).replace(minute=played.start(40).minute + 7)
    out = StringIO()
    call_command("play", at=at, stdout=out)
    call_command("play", at=at, stdout=out)
    assert ControlCycle.objects.get().interval_start == played.start(40)
    assert "placed +6.0" in out.getvalue()


def test_play_names_a_portfolio_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="no such portfolio: nobody"):
        call_command("play", portfolio=["nobody"], at=PlayedDay(1, up_kw=2.0).start(40))


def test_play_runs_a_whole_day_and_stops_after_the_interval_when_told_to() -> None:
    played = PlayedDay(2, up_kw=6.0)

    class StopsAfterThree(StringIO):
        def write(self, text: str) -> int:
            if ControlCycle.objects.count() == 3 and "stopped" not in text:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().write(text)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    out = StopsAfterThree()
    try:
        call_command("play", date=played.day.date, portfolio=[played.portfolio.code], stdout=out)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert out.getvalue().endswith("stopped\n")
    assert ControlCycle.objects.count() == 3


def test_the_jobs_plan_and_close_every_portfolio() -> None:
    played = PlayedDay(2, up_kw=6.0)
    planned: Any = actors.plan_day(at=played.start(0), delivery_date=played.day.date.isoformat())
    assert [plan["version"] for plan in planned["plans"]] == [1]
    closed: Any = actors.close_day(at=played.day.end, delivery_date=played.day.date.isoformat())
    assert closed["portfolios"][0]["periods"] == 0


def test_the_closed_day_tells_forecasting_which_hours_were_not_the_devices_own() -> None:
    played = PlayedDay(2, up_kw=6.0, until=44)
    gateway, _ = make_client()
    for index in range(40, 45):
        played.cycle(index)
        played.fetch_and_accept(index, gateway)
        played.report(index, dict.fromkeys(played.devices, 0.0) | played.targets(index), soc_kwh=9.0)
    for _ in range(2):
        answer = operations.close_day(played.portfolio.pk, played.day.date, played.day.end)
        assert answer["periods"] == 2
    periods = list(DispatchedPeriod.objects.all())
    assert len(periods) == 2
    assert (periods[0].period.lower, periods[0].period.upper) == (played.start(40), played.start(44))
    use = DeviceUse.objects.get(device=played.devices[0])
    assert (use.moved_kwh, use.hours, use.events) == (3.0, 1.0, 1)


def test_the_live_loop_makes_up_for_refusals_inside_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    played = PlayedDay(4, up_kw=12.0)
    gateway, _ = make_client()
    played.cycle(40)
    clock.set_simulated(played.start(40) + timedelta(minutes=1))
    ids = operations.fetch_setpoints(gateway, played.start(40), clock.now(), everything=False).setpoints.id.tolist()
    operations.answer_setpoints(gateway, ids[1:], {ids[0]: "car left"}, clock.now())
    monkeypatch.setattr(play, "REACT_S", 0.0)
    stop, real = threading.Event(), operations.watch

    def watch_once(*given: Any) -> None:
        real(*given)
        stop.set()

    monkeypatch.setattr(play.operations, "watch", watch_once)
    command = play.Command(stdout=StringIO())
    command._attend([played.portfolio], played.start(40).timestamp(), 900, stop)
    assert ControlCycle.objects.get(revision=1).placed_up_kw == pytest.approx(12.0)
    clock.set_simulated(played.start(41))
    command._attend([played.portfolio], played.start(40).timestamp(), 900, threading.Event())
    assert ControlCycle.objects.count() == 2, "the interval is over"
