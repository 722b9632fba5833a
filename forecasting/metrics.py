"""What forecasting tells Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count

from forecasting.models import DriftAlarm, ForecastRun


def tell(registry: Any, at: datetime) -> None:
    """Open drift alarms by class, and the runs of the newest delivery day by state."""
    from prometheus_client import Gauge

    alarms = Gauge(
        "vpp_forecast_drift_alarms", "Classes whose 80 % band drifted", ["class_name", "zone"], registry=registry
    )
    for name, zone, count in (
        DriftAlarm.objects.filter(end_date=None).order_by().values_list("class_name", "zone_code").annotate(Count("id"))
    ):
        alarms.labels(class_name=name, zone=zone).set(count)
    runs = Gauge("vpp_forecast_runs", "Runs of the newest delivery day by state", ["state"], registry=registry)
    newest = ForecastRun.objects.order_by("-id").first()
    counts: dict[str, int] = {}
    if newest is not None:
        rows = ForecastRun.objects.filter(delivery_date=newest.delivery_date).order_by()
        counts = dict(rows.values_list("state").annotate(Count("id")))
    for state in ForecastRun.State.values:
        runs.labels(state=state).set(counts.get(state, 0))
