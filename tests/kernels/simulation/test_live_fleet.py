"""The live fleet keeps the devices' rules whatever arrives, and its faults are seeded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from vpp.simulation.kernels.faults import NO_FAULTS, FaultRates
from vpp.simulation.kernels.link_faults import AnswerQueue, LinkFaults
from vpp.simulation.live.devices import Heard, LiveFleet
from vpp.simulation.live.links import heard_of
from vpp.simulation.live.made_up import write_fleet
from vpp.simulation.live.worlds import LiveWorld, in_data_year

NOON = datetime(2026, 11, 21, 11, 0, 30, tzinfo=UTC)
STEP_S = 60


def fleet_of(folder: Path, rates: FaultRates | None = None, count: int = 40) -> LiveFleet:
    write_fleet(folder, count, seed=3)
    rates = rates or NO_FAULTS
    live = LiveFleet(LiveWorld(folder).maker(seed=3, rates=rates, step_s=STEP_S), "Europe/Berlin", STEP_S)
    live.start(NOON)
    return live


def command(live: LiveFleet, code: str, number: int, *, sequence: int, target_kw: float, minutes: float = 60) -> Heard:
    return heard_of(
        {
            "id": [number], "device": [code], "interval_start": ["2026-11-21T11:00:00+00:00"], "sequence": [sequence],
            "target_kw": [target_kw], "released": [False],
            "expires": [(NOON + timedelta(minutes=minutes)).isoformat()],
        },
        live.row,
    )  # fmt: skip


def battery(live: LiveFleet) -> str:
    return next(code for code, row in live.row.items() if live.fleet.spec.kind[row] == "BATTERY")


def power_kw(live: LiveFleet, code: str) -> float:
    readings = live.live()
    return float(np.frombuffer(readings["power_kw"], "<f8")[readings["codes"].index(code)])


def test_a_device_acts_on_what_is_newer_answers_repeats_and_falls_back_when_it_runs_out(tmp_path: Path) -> None:
    live, now_s = fleet_of(tmp_path), NOON.timestamp()
    code = battery(live)
    assert live.hear(command(live, code, 7, sequence=1, target_kw=-2.0, minutes=1.2), now_s) == ([7], [])
    assert live.hear(command(live, code, 7, sequence=1, target_kw=-2.0), now_s) == ([7], [])
    assert live.hear(command(live, code, 6, sequence=0, target_kw=3.0), now_s) == ([6], [])
    assert (live.counts.acted, live.counts.repeated, live.counts.outdated) == (1, 1, 1)
    live.live()  # the running minute began before the command
    assert power_kw(live, code) == -2.0
    live.live()
    assert power_kw(live, code) == 0.0


def test_a_car_that_must_leave_refuses(tmp_path: Path) -> None:
    live = fleet_of(tmp_path, count=200)
    rows = [row for row in live.row.values() if live.fleet.spec.kind[row] == "EV_CHARGER"]
    codes = {row: code for code, row in live.row.items()}
    refused = 0
    for number in range(12 * 60):
        live.live()
        if number % 30 == 0:
            for row in rows:
                heard = command(live, codes[row], row + 1, sequence=number, target_kw=0.0, minutes=900)
                refused += len(live.hear(heard, NOON.timestamp())[1])
    assert refused > 0


def test_midnight_keeps_what_batteries_hold(tmp_path: Path) -> None:
    live = fleet_of(tmp_path)
    code = battery(live)
    live.hear(command(live, code, 1, sequence=0, target_kw=-2.0), NOON.timestamp())
    while live.day is not None and live.day.date == date(2026, 11, 21):
        live.live()
    assert live.fleet.state.soc_kwh[live.row[code]] < 4.0
    assert live.fleet.state.index == 0


def test_an_inverter_gives_the_reactive_power_that_its_real_power_leaves_until_that_runs_out(tmp_path: Path) -> None:
    live, now_s = fleet_of(tmp_path), NOON.timestamp()
    code = battery(live)
    row, spec = live.row[code], live.fleet.spec
    rated_kw = max(spec.max_consumption_kw[row], spec.max_production_kw[row])
    heard = command(live, code, 7, sequence=1, target_kw=-rated_kw)
    assert live.hear(replace(heard, target_kvar=np.array([-99.0])), now_s) == ([7], [])
    most_kvar = rated_kw * np.tan(np.arccos(0.9))
    assert live.given_for([7, 8]) == {7: pytest.approx(-most_kvar)} and live.given_for([7]) == {}
    assert live.kvar(now_s)[row] == pytest.approx(-most_kvar)
    assert live.kvar(now_s + 3_700).tolist() == [0.0] * len(spec.code)


def test_who_drops_out_neither_hears_nor_reports(tmp_path: Path) -> None:
    live = fleet_of(tmp_path, FaultRates(0.0, 1.0, 0.0, shortest_intervals=96, longest_intervals=97))
    gone = ~live.fleet.reachable(live.fleet.state.index)
    assert gone.any()
    code = next(code for code, row in live.row.items() if gone[row])
    assert live.hear(command(live, code, 1, sequence=0, target_kw=1.0), NOON.timestamp()) == ([], [])
    assert code not in live.live()["codes"]


def test_answers_are_lost_late_and_doubled_as_the_seed_says() -> None:
    def arrived(seed: int) -> tuple[int, int]:
        answers = AnswerQueue(LinkFaults(late_pu=0.2, lost_pu=0.1, doubled_pu=0.1, reordered_pu=0.1), seed)
        answers.put(list(range(10_000)), 0.0)
        at_once = answers.take(0.0)
        return len(at_once), len(at_once) + len(answers.take(60.0))

    at_once, all_in_all = arrived(1)
    assert arrived(1) == (at_once, all_in_all) != arrived(2)
    assert all_in_all == pytest.approx(10_000, rel=0.02)  # a tenth lost, a tenth twice
    assert at_once < 7_500


def test_days_are_played_on_the_same_weekday_of_the_measured_year() -> None:
    for day in (date(2026, 11, 21), date(2026, 1, 1), date(2028, 2, 29), date(2026, 12, 31)):
        that = in_data_year(day)
        assert that.year == 2016 and that.weekday() == day.weekday()
