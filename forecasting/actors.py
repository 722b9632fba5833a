"""Jobs of forecasting: one zone and delivery day, which may be killed anywhere and taken up again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from forecasting.operations.errors import NothingToForecast, UnknownZone
from vpp.jobs import operations as jobs
from vpp.jobs.handlers import job_handler
from vpp.jobs.models import Job

RUN = "forecasting.run"


@job_handler(RUN, queue="forecasting", time_limit_s=900, max_attempts=5, throws=(UnknownZone, NothingToForecast))
def run(*, at: datetime, zone_code: str, delivery_date: str, version: int = 1) -> dict[str, Any]:
    """Forecast a zone's delivery day. Safe to run twice: every run has a natural key."""
    from forecasting import operations

    runs = operations.run_forecast(
        zone_code=zone_code, delivery_date=date.fromisoformat(delivery_date), at=at, version=version
    )
    return {"runs": len(runs), "degraded": sum(one.state == one.State.DEGRADED for one in runs)}


def enqueue_forecast(*, zone_code: str, delivery_date: date, at: datetime, version: int = 1) -> Job:
    """The job of one zone, delivery day and version; a second call finds the first."""
    return jobs.enqueue(
        kind=RUN,
        natural_key=f"forecast:{zone_code}:{delivery_date}:v{version}",
        payload={"zone_code": zone_code, "delivery_date": delivery_date.isoformat(), "version": version},
        at=at,
    )
