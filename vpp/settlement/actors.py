"""The settlement jobs: one per portfolio and closed day, and the daily one that makes them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from vpp.jobs.handlers import daily, job_handler
from vpp.settlement import operations
from vpp.settlement.models import SettlementRun

CLOSE_DAY = "settlement.close_day"
SETTLE_DAY = "settlement.settle_day"
REVIEW_RUN = operations.REVIEW_RUN


@job_handler(
    SETTLE_DAY,
    queue="settlement",
    time_limit_s=600,
    max_attempts=5,
    throws=(operations.DayNotClosed, operations.VersionOutOfOrder, operations.MixedCurrencies),
)
def settle_day(*, at: datetime, portfolio_id: int, delivery_date: str, version: int = 1) -> dict[str, Any]:
    """Settle one delivery day. A repeat finds the run under (portfolio, delivery date, version) and stops."""
    run = operations.settle_day(
        portfolio_id=portfolio_id, delivery_date=date.fromisoformat(delivery_date), version=version, at=at
    )
    return {"run": run.pk, "state": run.state, "checksum": run.checksum}


@job_handler(REVIEW_RUN, queue="settlement", time_limit_s=600, max_attempts=5)
def review_run(*, at: datetime, run_id: int) -> dict[str, Any]:
    """Look at a settled run for made baselines; what is found holds payouts until a person decides."""
    run = SettlementRun.objects.select_related("portfolio").get(pk=run_id)
    return {"findings": [finding.pk for finding in operations.review_run(run, at=at)]}


@job_handler(CLOSE_DAY, queue="settlement")
def close_day(*, at: datetime, delivery_date: str) -> dict[str, Any]:
    """Queue the first settlement of a day for every portfolio; a repeat finds the jobs.

    The day before is looked at again: west of here it was not over when its turn came.
    """
    day = date.fromisoformat(delivery_date)
    made = [
        job for closed in (day - timedelta(days=1), day) for job in operations.enqueue_day(delivery_date=closed, at=at)
    ]
    return {"jobs": [job.natural_key for job in made]}


# In the morning the night's late readings have come; what comes later is restated.
daily(
    CLOSE_DAY,
    kind=CLOSE_DAY,
    local_time=time(6),
    time_zone="Europe/Berlin",
    payload=lambda day: {"delivery_date": (date.fromisoformat(day) - timedelta(days=1)).isoformat()},
)
