"""Jobs of bidding: the nightly run, which may be killed anywhere and taken up again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from bidding.errors import GatePassed, NoMarkets
from vpp.jobs import operations as jobs
from vpp.jobs.handlers import job_handler
from vpp.jobs.models import Job

NIGHTLY = "bidding.nightly"


@job_handler(NIGHTLY, queue="bidding", time_limit_s=1200, max_attempts=4, throws=(GatePassed, NoMarkets))
def run_nightly(*, at: datetime, zone_code: str, delivery_date: str) -> dict[str, Any]:
    """Bid for one zone and delivery day. Safe to run twice: run, steps, planned days and bids have natural keys."""
    from bidding import operations

    run = operations.nightly(zone_code=zone_code, delivery_date=date.fromisoformat(delivery_date), at=at)
    return {"run": run.natural_key, "state": run.state, "bids": run.bids.count()}


def enqueue_nightly(*, zone_code: str, delivery_date: date, at: datetime) -> Job:
    """The job of one zone and delivery day; a second call finds the first."""
    return jobs.enqueue(
        kind=NIGHTLY,
        natural_key=f"nightly:{zone_code}:{delivery_date}",
        payload={"zone_code": zone_code, "delivery_date": delivery_date.isoformat()},
        at=at,
    )
