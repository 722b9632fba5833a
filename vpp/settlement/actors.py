"""The settlement job."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from vpp.jobs.handlers import job_handler
from vpp.settlement import operations


@job_handler(
    "settlement.settle_day",
    queue="settlement",
    time_limit_s=600,
    max_attempts=5,
    throws=(operations.DayNotClosed, operations.VersionOutOfOrder),
)
def settle_day(*, at: datetime, portfolio_id: int, delivery_date: str, version: int = 1) -> dict[str, Any]:
    """Settle one delivery day. A repeat finds the run under (portfolio, delivery date, version) and stops."""
    run = operations.settle_day(
        portfolio_id=portfolio_id, delivery_date=date.fromisoformat(delivery_date), version=version, at=at
    )
    return {"run": run.pk, "state": run.state, "checksum": run.checksum}
