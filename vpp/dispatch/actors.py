"""Jobs of dispatch: the plan of a day as soon as its awards are known."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from vpp.jobs.handlers import job_handler


@job_handler("dispatch.plan_day", queue="dispatch", time_limit_s=300, max_attempts=5)
def plan_day(*, at: datetime, portfolio_id: int, delivery_date: str) -> dict[str, Any]:
    """Safe to run twice: while the awards are the same, the existing plan is the answer."""
    from vpp.dispatch import operations

    plan = operations.plan_day(portfolio_id, date.fromisoformat(delivery_date), at)
    return {"plan": plan.pk, "version": plan.version, "state": plan.state}


@job_handler("dispatch.close_day", queue="dispatch", time_limit_s=300, max_attempts=5)
def close_day(*, at: datetime, portfolio_id: int, delivery_date: str) -> dict[str, Any]:
    """Judges what is left and tells forecasting which readings were not the devices' own will."""
    from vpp.dispatch import operations

    return operations.close_day(portfolio_id, date.fromisoformat(delivery_date), at)
