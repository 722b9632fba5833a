"""A grid operator's order in an emergency, and its end: both reach the devices at once."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from vpp.accounts.operations import audit
from vpp.dispatch.models import ControlCycle, GridEmergency
from vpp.dispatch.operations.owners import replan
from vpp.enrollment.models import Portfolio
from vpp.lib.errors import DomainError


class EmergencyInForce(DomainError):
    """Another order holds for the portfolio in that time; nothing changed."""

    code = "emergency_in_force"


def order_emergency(
    portfolio: Portfolio,
    up_kw: float,
    *,
    start: datetime,
    end: datetime,
    at: datetime,
    ordered_by: str,
    reason: str = "",
) -> GridEmergency:
    """From `start` to `end` the portfolio gives `up_kw` in net. One that has begun is dispatched at once. Raises
    EmergencyInForce."""
    try:
        with transaction.atomic():
            order = GridEmergency.objects.create(
                portfolio=portfolio, period=DateTimeTZRange(start, end), up_kw=up_kw, ordered_by=ordered_by,
                reason=reason, created_at=at,
            )  # fmt: skip
            after = {"up_kw": up_kw, "start": start.isoformat(), "end": end.isoformat()}
            audit(at=at, actor=ordered_by, action="emergency.ordered", subject=order, after=after, reason=reason)
            if start <= at < end:
                replan(portfolio.pk, at)
    except IntegrityError as error:
        if "one_at_a_time" not in str(error):
            raise
        raise EmergencyInForce(f"another order holds for {portfolio.code} in that time") from error
    return order


def end_emergency(portfolio: Portfolio, *, at: datetime, actor: str) -> list[ControlCycle]:
    """The order in force ends now, and the running interval is dispatched again; nothing happens without one."""
    with transaction.atomic():
        running = GridEmergency.objects.filter(portfolio=portfolio, period__contains=at).select_for_update().first()
        if running is None:
            return []
        if running.period.lower < at:
            GridEmergency.objects.filter(pk=running.pk).update(period=DateTimeTZRange(running.period.lower, at))
        else:
            GridEmergency.objects.filter(pk=running.pk).delete()
        audit(at=at, actor=actor, action="emergency.ended", subject=running)
        return [replan(portfolio.pk, at)]
