"""Questions about the queue, for health, metrics and the console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Count, Min

from vpp.jobs.models import Job

LAST_RUN_KIND = "bidding.nightly"


def health(*, at: datetime) -> dict[str, Any]:
    """Seconds the oldest due job has waited, jobs given up, and when the last nightly run ended."""
    oldest = Job.objects.due(at).aggregate(oldest=Min("run_after"))["oldest"]
    last_nightly = (
        Job.objects.filter(kind=LAST_RUN_KIND, state=Job.State.DONE)
        .order_by("-finished_at")
        .values_list("finished_at", flat=True)
        .first()
    )
    return {
        "relay_lag_s": round((at - oldest).total_seconds(), 1) if oldest else 0.0,
        "dead_jobs": Job.objects.filter(state=Job.State.DEAD).count(),
        "last_nightly_run": last_nightly.isoformat() if last_nightly else None,
    }


# Rooms add what they have to tell of themselves, in their AppConfig.ready: called with the registry and the moment.
ROOM_METRICS: list[Callable[[Any, datetime], None]] = []


def metrics_text(*, at: datetime) -> str:
    """Prometheus text: jobs by queue and state, the relay's lag, and what the rooms add."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    jobs = Gauge("vpp_jobs", "Jobs by queue and state", ["queue", "state"], registry=registry)
    for queue, state, count in Job.objects.order_by().values_list("queue", "state").annotate(Count("id")):
        jobs.labels(queue=queue, state=state).set(count)
    Gauge("vpp_relay_lag_seconds", "Age of the oldest due job", registry=registry).set(health(at=at)["relay_lag_s"])
    for tell in ROOM_METRICS:
        tell(registry, at)
    return generate_latest(registry).decode()
