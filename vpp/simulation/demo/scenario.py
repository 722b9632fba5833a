"""What a played day is made of: which grid, which day, how much history, which prices, which luck."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from vpp.lib.periods import DeliveryDay, local_moment
from vpp.simulation.grids.simbench_export import DEFAULT_GRID, FULL_GRID

ZONE = "Europe/Berlin"
ZONE_CODE = "DE"
DEFAULT_DATE = date(2016, 3, 10)
DEFAULT_SEED = 7
HISTORY_DAYS = 40
HISTORY_DAYS_FULL = 14
DATA_YEAR = 2016
# Part of the data folder's name; goes up when migrations are replaced, so that a played day never meets another schema.
SCHEMA = 2


class BadScenario(ValueError):
    """The wished day cannot be played; the message says which can."""


@dataclass(frozen=True)
class Scenario:
    """One delivery day of one grid."""

    grid: str
    delivery_date: date
    history_days: int
    seed: int
    prices_file: Path | None = None

    @property
    def key(self) -> str:
        """Names the demo's own data folder: days of one key share grid, prices and luck."""
        prices = self.prices_file.read_bytes() if self.prices_file and self.prices_file.exists() else b""
        digest = hashlib.sha256(f"{self.history_days}:{self.prices_file}".encode() + prices).hexdigest()[:8]
        return f"{self.grid}-seed{self.seed}-{digest}-v{SCHEMA}"

    @property
    def day(self) -> DeliveryDay:
        return DeliveryDay(self.delivery_date, ZONE)

    @property
    def history_start(self) -> datetime:
        return local_moment(self.delivery_date - timedelta(days=1 + self.history_days), time(0), ZONE)

    def the_day_before_at(self, hour: int, minute: int = 0) -> datetime:
        """A wall-clock moment of the day before delivery, when forecasts, asks and bids are made."""
        return local_moment(self.delivery_date - timedelta(days=1), time(hour, minute), ZONE)

    def the_day_after_at(self, hour: int, minute: int = 0) -> datetime:
        return local_moment(self.delivery_date + timedelta(days=1), time(hour, minute), ZONE)


def make_scenario(
    *,
    full: bool,
    grid: str = "",
    delivery_date: date | None = None,
    seed: int | None = None,
    prices_file: Path | None = None,
) -> Scenario:
    """The scenario of the command line; raises BadScenario where the data year does not hold day and history."""
    chosen = delivery_date or DEFAULT_DATE
    history_days = HISTORY_DAYS_FULL if full else HISTORY_DAYS
    first = date(DATA_YEAR, 1, 2) + timedelta(days=history_days + 1)
    last = date(DATA_YEAR, 12, 30)
    if not first <= chosen <= last:
        raise BadScenario(
            f"{chosen} cannot be played: the measured profiles are those of {DATA_YEAR}, and {history_days} days of "
            f"history come before the day; choose one from {first} to {last}"
        )
    return Scenario(
        grid=grid or (FULL_GRID if full else DEFAULT_GRID),
        delivery_date=chosen,
        history_days=history_days,
        seed=DEFAULT_SEED if seed is None else seed,
        prices_file=prices_file,
    )
