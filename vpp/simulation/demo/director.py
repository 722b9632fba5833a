"""Runs the stages one after the other, with a progress bar and a stopwatch for each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from vpp.jobs.signals import stop_on_signal
from vpp.lib import clock
from vpp.simulation.demo import results, stages
from vpp.simulation.demo.play import Advance, Play
from vpp.simulation.demo.scenario import Scenario
from vpp.simulation.demo.service import running_service, staff_password
from vpp.simulation.demo.world import World, exported_world
from vpp.simulation.price_files import PriceSeries, read_price_file


@dataclass
class PlayedDay:
    """A played and settled day, and the service that still runs."""

    play: Play
    result: dict[str, Any]

    @property
    def url(self) -> str:
        return self.play.service.url

    def login(self) -> tuple[str, str]:
        return staff_password(clock.now())

    def serve_until_stopped(self) -> None:
        stop_on_signal().wait()


@contextmanager
def played_day(scenario: Scenario, listening: socket) -> Iterator[PlayedDay]:
    """Set up, play and settle the day, then hand over the running service."""
    stopwatch: dict[str, float] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description:42}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        with _timed(bars, stopwatch, "set up the database"):
            call_command("migrate", interactive=False, verbosity=0)
        with _timed(bars, stopwatch, "read the grid"):
            world = exported_world(scenario.grid, Path(settings.DATA_DIR) / "worlds" / scenario.grid)
            prices = _prices(scenario, world)
        clock.set_simulated(scenario.the_day_before_at(8))
        with running_service(listening, Path(settings.DATA_DIR) / "demo_tokens.json") as service:
            play = Play(scenario, world, prices, service)
            _run_stages(play, bars, stopwatch)
            bars.stop()
            yield PlayedDay(play, results.collect(play, stopwatch))


def _run_stages(play: Play, bars: Progress, stopwatch: dict[str, float]) -> None:
    settled = stages.is_settled(play)
    for name, stage in stages.STAGES:
        if settled and stage in stages.PLAYED_ONCE:
            play.notes.append("the day was delivered and settled by an earlier demo; it was not played again")
            continue
        with _timed(bars, stopwatch, name) as advance:
            stage(play, advance)


@contextmanager
def _timed(bars: Progress, stopwatch: dict[str, float], name: str) -> Iterator[Advance]:
    """A bar that turns until the stage reports steps, and its wall time in seconds."""
    bar = bars.add_task(name, total=None)
    began = time.perf_counter()
    yield lambda done, total: bars.update(bar, completed=done, total=total)
    stopwatch[name] = round(time.perf_counter() - began, 2)
    bars.update(bar, completed=1, total=1)


def _prices(scenario: Scenario, world: World) -> PriceSeries:
    if scenario.prices_file is not None:
        return read_price_file(scenario.prices_file)
    return world.modelled_prices()
