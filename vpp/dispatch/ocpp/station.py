"""A connected station, whichever version it speaks: what we ask of it and what it tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from vpp.dispatch.operations.charging import Sample
from vpp.lib.units import W_PER_KW

PROFILE_ID = 7000  # plus the EVSE: ours among the profiles of a station
STACK_LEVEL = 5
OBEY_TOLERANCE_PU = 0.05

InDatabase = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Limit:
    """A charging power from `start` for `seconds`, after which the station falls back by itself."""

    evse: int
    watts: float
    start: datetime
    seconds: int

    @property
    def start_text(self) -> str:
        return self.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Port:
    """What a station's handlers may use: the database in its own thread, the readings on their way, the clock."""

    code: str
    devices: dict[int, str]
    in_database: InDatabase
    samples: list[Sample]
    now: Callable[[], datetime]
    answer_s: float = 10.0  # a station that says nothing for so long has not answered
    power_w: dict[int, float] = field(default_factory=dict)

    def sampled(self, evse: int, at: datetime, power_w: float) -> None:
        self.power_w[evse] = power_w
        if evse in self.devices:
            self.samples.append(Sample(self.devices[evse], at, power_w / W_PER_KW))


class Station(Protocol):
    """Answers are the station's own words, "Accepted" and "Rejected" among them."""

    async def set_limit(self, limit: Limit) -> str: ...

    async def clear_limit(self, evse: int) -> str: ...

    async def composite_w(self, evse: int, seconds: int) -> float | None: ...


def moment(text: str) -> datetime:
    """An OCPP timestamp; one without an offset is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def watts_of(sampled: dict[str, Any], unit: str, multiplier: int = 0) -> float | None:
    """Imported active power of a sampled value, None for other measurands. Sums of phases only."""
    if sampled.get("measurand") != "Power.Active.Import" or sampled.get("phase"):
        return None
    return float(sampled["value"]) * 10.0**multiplier * (1000.0 if unit == "kW" else 1.0)


def kwh_of(value: float, unit: str) -> float:
    return value if unit == "kWh" else value / W_PER_KW
