"""Jobs of forecasting: one zone and delivery day, which may be killed anywhere and taken up again."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from forecasting.operations.errors import NothingToForecast, UnknownZone
from vpp.jobs import operations as jobs
from vpp.jobs.handlers import daily, job_handler
from vpp.jobs.models import Job

RUN = "forecasting.run"
RUN_ALL_ZONES = "forecasting.run_all_zones"
SCORE = "forecasting.score"
SCORE_ALL_ZONES = "forecasting.score_all_zones"


@job_handler(RUN, queue="forecasting", time_limit_s=1800, max_attempts=5, throws=(UnknownZone, NothingToForecast))
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


@job_handler(RUN_ALL_ZONES, queue="forecasting", time_limit_s=60, max_attempts=5)
def run_all_zones(*, at: datetime, delivery_date: str) -> dict[str, Any]:
    """A forecast job for every zone that has portfolios. Safe to run twice: each job has a natural key."""
    from vpp.enrollment.models import Portfolio

    day = date.fromisoformat(delivery_date)
    zones = Portfolio.objects.order_by("zone_code").values_list("zone_code", flat=True).distinct()
    return {"jobs": [enqueue_forecast(zone_code=zone, delivery_date=day, at=at).natural_key for zone in zones]}


def _tomorrow(day: str) -> dict[str, Any]:
    return {"delivery_date": (date.fromisoformat(day) + timedelta(days=1)).isoformat()}


@job_handler(SCORE, queue="forecasting", time_limit_s=900, max_attempts=5)
def score(*, at: datetime, zone_code: str, delivery_date: str) -> dict[str, Any]:
    """Score a delivered day against its readings. Safe to run twice: the rows of the day are written anew."""
    from forecasting import operations

    rows = operations.score_day(zone_code=zone_code, delivery_date=date.fromisoformat(delivery_date), at=at)
    return {"scored": rows}


def enqueue_score(*, zone_code: str, delivery_date: date, at: datetime) -> Job:
    """The job that scores one zone and delivered day; a second call finds the first."""
    return jobs.enqueue(
        kind=SCORE,
        natural_key=f"forecast-score:{zone_code}:{delivery_date}",
        payload={"zone_code": zone_code, "delivery_date": delivery_date.isoformat()},
        at=at,
    )


@job_handler(SCORE_ALL_ZONES, queue="forecasting", time_limit_s=60, max_attempts=5)
def score_all_zones(*, at: datetime, delivery_date: str) -> dict[str, Any]:
    """A scoring job for every zone that was forecast for that day. Safe to run twice: each job has a natural key."""
    from forecasting.models import ForecastRun

    day = date.fromisoformat(delivery_date)
    zones = ForecastRun.objects.filter(delivery_date=day).order_by("zone_code").values_list("zone_code", flat=True)
    return {"jobs": [enqueue_score(zone_code=zone, delivery_date=day, at=at).natural_key for zone in zones.distinct()]}


def _yesterday(day: str) -> dict[str, Any]:
    return {"delivery_date": (date.fromisoformat(day) - timedelta(days=1)).isoformat()}


# Before the forecast of the next day, which takes its bands from these scores.
daily(SCORE_ALL_ZONES, kind=SCORE_ALL_ZONES, local_time=time(8, 45), time_zone="Europe/Berlin", payload=_yesterday)

# After the night's late readings, before the first gate of the day.
daily(RUN_ALL_ZONES, kind=RUN_ALL_ZONES, local_time=time(9, 15), time_zone="Europe/Berlin", payload=_tomorrow)
