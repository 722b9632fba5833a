"""What the stages of a played day share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vpp.lib.periods import DeliveryDay
from vpp.simulation.demo import operator as operators
from vpp.simulation.demo.scenario import Scenario
from vpp.simulation.demo.service import Service
from vpp.simulation.demo.world import World
from vpp.simulation.price_files import PriceSeries
from vpp.simulation.utility_runner import Congestion

Advance = Callable[[int, int], None]  # steps done, of how many


@dataclass
class Play:
    """Everything the stages share, and what they found out."""

    scenario: Scenario
    world: World
    prices: PriceSeries
    service: Service
    notes: list[str] = field(default_factory=list)
    congestion: Congestion | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    operator: operators.Operator | None = None

    @property
    def day(self) -> DeliveryDay:
        return self.scenario.day

    @property
    def ask_reference(self) -> str:
        return f"demo-{self.scenario.delivery_date}"
