"""The played day, stage by stage. Each stage can be repeated: what is there already stays as it is."""

from __future__ import annotations

from collections.abc import Callable

from vpp.simulation.demo import day_before, delivery
from vpp.simulation.demo.play import Advance, Play

STAGES: tuple[tuple[str, Callable[[Play, Advance], None]], ...] = (
    ("enroll sites, devices, network, markets", day_before.enroll),
    ("load history of readings", day_before.load_history),
    ("publish past prices", day_before.publish_past_prices),
    ("forecast", day_before.forecast),
    ("utility studies its feeders and asks", day_before.ask),
    ("nightly bids", day_before.bid),
    ("utility accepts, market clears", day_before.award),
    ("readings until midnight", day_before.load_rest_of_day_before),
    ("deliver the day", delivery.deliver),
    ("settle", delivery.settle),
)
PLAYED_ONCE = {delivery.deliver}


def is_settled(play: Play) -> bool:
    """True if the day was played and settled before."""
    with play.service.client("reader") as client:
        return bool(client.get_all("/api/v1/settlements", {"date": play.scenario.delivery_date.isoformat()}))
