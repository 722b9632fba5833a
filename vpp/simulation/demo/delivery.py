"""Stages of the delivery day and the morning after it."""

from __future__ import annotations

from datetime import datetime, timedelta

from forecasting.actors import enqueue_score
from vpp.lib import clock
from vpp.simulation.demo.carriage import runner_of
from vpp.simulation.demo.play import Advance, Play
from vpp.simulation.demo.scenario import ZONE_CODE
from vpp.simulation.demo.service import run_command
from vpp.simulation.fleet_runner import FleetRunner
from vpp.simulation.market_runner import MarketRunner


def deliver(play: Play, advance: Advance) -> None:
    """Every interval: calls on reserve, control cycle, setpoints to devices, physics, readings back."""
    day = play.day
    fleet = play.world.fleet(day, play.scenario.seed)
    with (
        play.service.client("gateway") as gateway,
        play.service.client("market") as exchange,
        runner_of(play.world, gateway, fleet, day.starts64()) as (runner, way),
    ):
        market = MarketRunner(exchange)
        calls = market.calls_of_day(day.date, seed=play.scenario.seed)
        for index, start in enumerate(day.starts()):
            clock.set_simulated(start)
            market.call(calls, day, index)
            _control(runner, start)
            clock.set_simulated(start + timedelta(minutes=15))
            runner.live_and_report()
            advance(index + 1, day.n_intervals)
        clock.set_simulated(day.end + timedelta(hours=1))
        runner.flush()
    run_command("play", "--date", day.date.isoformat(), "--close")
    play.facts["reserve_calls"] = len(calls)
    play.facts["dispatched_over"] = way
    play.notes.append(f"setpoints went to the devices over {way}")


def _control(runner: FleetRunner, start: datetime) -> None:
    """One control cycle; when devices refuse, one more inside the interval, and they are asked again."""
    run_command("play", "--at", start.isoformat())
    if runner.answer_setpoints().refused:
        run_command("play", "--at", start.isoformat(), "--revision", "1")
        runner.answer_setpoints()


def settle(play: Play, advance: Advance) -> None:
    """Pay for the day, and hold its forecasts against what was measured."""
    at = play.scenario.the_day_after_at(6)
    clock.set_simulated(at)
    run_command("settle", "--date", play.scenario.delivery_date.isoformat())
    play.service.run_job(lambda: enqueue_score(zone_code=ZONE_CODE, delivery_date=play.scenario.delivery_date, at=at))
