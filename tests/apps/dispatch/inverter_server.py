"""Simulated SunSpec devices on pymodbus: `python -m tests.apps.dispatch.inverter_server PORT`.

Unit 1: a battery with the 700-series. Unit 2: a legacy PV inverter (103, 120, 123). Unit 3: a legacy battery (103, 120, 124).
Unit 4: as 1, but it takes no setpoint over. Each follows its setpoint until its reversion timer runs out. Unit 1 gives
reactive power as far as its apparent power leaves room beside the real one, unit 2 as far as its own does.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import sunspec2.device as sunspec
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

BASE = 40_000
PV_W, CAPACITY_WH = 6_000, 10_000
BATTERY_W, COS_PHI = 5_000, 0.9


class Registers:
    """The map of one device: SunS, its models, and the end. `words` is what the server answers from."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.words, self.at = [0x5375, 0x6E53], {}
        self.models = {number: sunspec.Model(model_id=number) for number in numbers}
        for number, model in self.models.items():
            self.at[number] = len(self.words)
            self.words += [number, model.len - 2, *([0] * (model.len - 2))]
        self.words += [0xFFFF, 0]
        self.writes = 0

    def get(self, number: int, point: str) -> int:
        found = self.models[number].points[point]
        first = self.at[number] + found.offset
        raw = b"".join(word.to_bytes(2, "big") for word in self.words[first : first + found.len])
        return int.from_bytes(raw, "big", signed=found.pdef["type"].startswith("int"))

    def set(self, number: int, point: str, value: int) -> None:
        found = self.models[number].points[point]
        raw = int(value).to_bytes(2 * found.len, "big", signed=value < 0)
        first = self.at[number] + found.offset
        self.words[first : first + found.len] = [int.from_bytes(raw[n : n + 2], "big") for n in range(0, len(raw), 2)]


class Timer:
    """A dead-man's timer: restarts whenever the client writes."""

    def __init__(self) -> None:
        self.seen, self.since = 0, 0.0

    def running(self, registers: Registers, seconds: int) -> bool:
        if registers.writes != self.seen:
            self.seen, self.since = registers.writes, time.monotonic()
        return not seconds or time.monotonic() - self.since < seconds


def within(rated_w: int, watts: int, wanted_var: int) -> int:
    """Reactive power that is left of the apparent power: real power goes first."""
    most_var = math.isqrt(max(int((rated_w / COS_PHI) ** 2) - watts**2, 0))
    return min(max(wanted_var, -most_var), most_var)


def battery_700(*, deaf: bool) -> tuple[Registers, Callable[[], None]]:
    r, timer, var_timer = Registers((1, 701, 702, 704, 713)), Timer(), Timer()
    for number, point, value in (
        (702, "WMaxRtg", BATTERY_W),
        (713, "WHRtg", CAPACITY_WH),
        (713, "WHAvail", 6_000),
        (713, "SoC", 60),
    ):
        r.set(number, point, value)

    def step() -> None:
        wanted, seconds = r.get(704, "WSet"), r.get(704, "WSetRvrtTms")
        if deaf or r.get(704, "WSetEna") and not timer.running(r, seconds):
            r.set(704, "WSetEna", 0)
        watts = wanted if r.get(704, "WSetEna") else 0
        if deaf or r.get(704, "VarSetEna") and not var_timer.running(r, r.get(704, "VarSetRvrtTms")):
            r.set(704, "VarSetEna", 0)
        r.set(701, "W", watts)
        r.set(701, "Var", within(BATTERY_W, watts, r.get(704, "VarSet")) if r.get(704, "VarSetEna") else 0)

    return r, step


def pv_legacy() -> tuple[Registers, Callable[[], None]]:
    r, timer = Registers((1, 103, 120, 123)), Timer()
    r.set(120, "WRtg", PV_W)

    def step() -> None:
        percent, seconds = r.get(123, "WMaxLimPct"), r.get(123, "WMaxLimPct_RvrtTms")
        if r.get(123, "WMaxLim_Ena") and not timer.running(r, seconds):
            r.set(123, "WMaxLim_Ena", 0)
        watts = PV_W * percent // 100 if r.get(123, "WMaxLim_Ena") else PV_W
        r.set(103, "W", watts)
        wanted_var = PV_W * r.get(123, "VArWMaxPct") // 100
        r.set(103, "VAr", within(PV_W, watts, wanted_var) if r.get(123, "VArPct_Ena") else 0)

    return r, step


def battery_legacy() -> tuple[Registers, Callable[[], None]]:
    r = Registers((1, 103, 120, 124))
    for number, point, value in (
        (120, "WRtg", 4_000),
        (120, "WHRtg", 8_000),
        (124, "WChaMax", 4_000),
        (124, "ChaState", 50),
    ):
        r.set(number, point, value)

    def step() -> None:
        r.set(103, "W", 4_000 * r.get(124, "OutWRte") // 100 if r.get(124, "StorCtl_Mod") == 3 else 0)

    return r, step


def simulated(unit: int, registers: Registers, step: Callable[[], None]) -> SimDevice:
    """Each access first lets the device live on; a write counts, so that a refresh restarts the timer."""

    async def access(code: int, first: int, address: int, count: int, words: list[int], written: Any) -> None:
        registers.words = words
        registers.writes += written is not None
        step()

    return SimDevice(unit, simdata=[SimData(BASE, values=registers.words, datatype=DataType.REGISTERS)], action=access)


async def main(port: int) -> None:
    devices = (battery_700(deaf=False), pv_legacy(), battery_legacy(), battery_700(deaf=True))
    units = [simulated(unit, *device) for unit, device in enumerate(devices, start=1)]
    await ModbusTcpServer(units, address=("127.0.0.1", port)).serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
