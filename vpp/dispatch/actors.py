"""Jobs of dispatch: the plans of tomorrow in the evening, the closing of yesterday in the night."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from vpp.jobs.handlers import daily, job_handler

PLAN_DAY = "dispatch.plan_day"
CLOSE_DAY = "dispatch.close_day"


@job_handler(PLAN_DAY, queue="dispatch", time_limit_s=600, max_attempts=5)
def plan_day(*, at: datetime, delivery_date: str) -> dict[str, Any]:
    """A plan per portfolio. Safe to run twice: while the awards are the same, the existing plan is the answer."""
    from vpp.dispatch import operations
    from vpp.enrollment.models import Portfolio

    day = date.fromisoformat(delivery_date)
    portfolios = Portfolio.objects.order_by("pk").values_list("pk", flat=True)
    plans = [operations.plan_day(portfolio_id, day, at) for portfolio_id in portfolios]
    return {"plans": [{"plan": plan.pk, "version": plan.version, "state": plan.state} for plan in plans]}


@job_handler(CLOSE_DAY, queue="dispatch", time_limit_s=600, max_attempts=5)
def close_day(*, at: datetime, delivery_date: str) -> dict[str, Any]:
    """Judge what is left and tell forecasting which readings were not the devices' own will. Safe to run twice."""
    from vpp.dispatch import operations
    from vpp.enrollment.models import Portfolio

    day = date.fromisoformat(delivery_date)
    portfolios = Portfolio.objects.order_by("pk").values_list("pk", flat=True)
    return {"portfolios": [operations.close_day(portfolio_id, day, at) for portfolio_id in portfolios]}


@job_handler("dispatch.alarm_email", queue="dispatch", time_limit_s=60, max_attempts=8)
def alarm_email(*, at: datetime, alarm: int) -> None:
    """A mail about a new alarm. A repeat after a crash may send it twice: better than not at all."""
    from vpp.dispatch.operations.notices import send_email

    send_email(alarm)


def _shifted(day: str, days: int) -> dict[str, Any]:
    return {"delivery_date": (date.fromisoformat(day) + timedelta(days=days)).isoformat()}


# Plans when all markets have cleared; closing when the late readings of the evening have come, before settlement.
daily(PLAN_DAY, kind=PLAN_DAY, local_time=time(20), time_zone="Europe/Berlin", payload=lambda day: _shifted(day, 1))
daily(CLOSE_DAY, kind=CLOSE_DAY, local_time=time(4), time_zone="Europe/Berlin", payload=lambda day: _shifted(day, -1))
