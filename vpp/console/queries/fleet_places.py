"""Where the devices are: how many on each feeder and at each node, and how they stand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, FilteredRelation, Q, Sum

from vpp.console.queries.fleet import SUSPENDED, TROUBLED, counts, device_state
from vpp.console.schematic import Schematic, lay_out
from vpp.enrollment.models import Device
from vpp.lib.errors import DomainError
from vpp.network.queries import feeder_model

COUNTED_FOR_S = 30
MOST_NODES = 600


@dataclass
class Place:
    """A feeder or node with its devices, meters left out; ratings in kW."""

    code: str
    states: Counter[str] = field(default_factory=Counter)
    consumption_kw: float = 0.0
    production_kw: float = 0.0

    @property
    def devices(self) -> int:
        return self.states.total()

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        return counts(self.states)

    @property
    def troubled(self) -> int:
        return sum(self.states[state] for state in TROUBLED)

    @property
    def tone(self) -> str:
        """The colour of a node: trouble first, then what is out of service, then what works."""
        if self.troubled:
            return "over"
        if self.states["ONLINE"]:
            return "calm"
        return "full" if self.states[SUSPENDED] else "unknown"

    @property
    def radius(self) -> float:
        """On the drawing: an area that grows with the number of devices."""
        return min(5.0 + 1.5 * self.devices**0.5, 14.0)


def feeders(at: datetime) -> list[Place]:
    """Every feeder with devices, by code; sites without one stand under an empty code. For staff."""
    key = f"fleet-feeders:{at:%Y%m%d%H%M}"
    found: list[Place] | None = cache.get(key)
    if found is None:
        found = _places(Device.objects.all(), "site__feeder_code", at)
        cache.set(key, found, COUNTED_FOR_S)
    return found


def nodes(feeder_code: str, at: datetime) -> list[Place]:
    return _places(Device.objects.filter(site__feeder_code=feeder_code), "site__node_code", at)


def drawing(feeder_code: str) -> Schematic | None:
    """None where the feeder's grid is not known, or too large to draw."""
    try:
        model = feeder_model(feeder_code)
    except DomainError:
        return None
    return lay_out(model) if 0 < len(model.nodes.codes) <= MOST_NODES else None


def _places(devices: Any, column: str, at: datetime) -> list[Place]:
    rows = (
        devices.exclude(kind=Device.Kind.METER)
        .annotate(now_terms=FilteredRelation("terms", condition=Q(terms__period__contains=at)))
        .values(
            place=F(column), status=F("dispatch_status__state"), out=F("now_terms__opted_out"),
            off=Q(suspended_at__isnull=False),
        )
        .annotate(devices=Count("pk"), takes=Sum("max_consumption_kw"), gives=Sum("max_production_kw"))
        .order_by("place")
    )  # fmt: skip
    places: dict[str, Place] = {}
    for row in rows:
        place = places.setdefault(row["place"], Place(row["place"]))
        place.states[device_state(row["status"], at if row["off"] else None, row["out"])] += row["devices"]
        place.consumption_kw += row["takes"]
        place.production_kw += row["gives"]
    return list(places.values())
