"""What telemetry tells Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Sum

from telemetry.models import Alarm, Arrival


def tell(registry: Any, at: datetime) -> None:
    """Open alarms by kind, and readings that wait for their digest."""
    from prometheus_client import Gauge

    alarms = Gauge("vpp_telemetry_open_alarms", "Open alarms by kind", ["kind"], registry=registry)
    counts = dict(Alarm.objects.open().order_by().values_list("kind").annotate(Count("id")))
    for kind in Alarm.Kind.values:
        alarms.labels(kind=kind).set(counts.get(kind, 0))
    waiting = Arrival.objects.aggregate(readings=Sum("count"))["readings"] or 0
    Gauge("vpp_telemetry_undigested_readings", "Readings waiting for their digest", registry=registry).set(waiting)
