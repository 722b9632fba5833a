"""Events inside an interval, answered by another cycle at once: an owner takes a device back, devices refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max

from vpp.accounts.models import Participant
from vpp.dispatch.models import ControlCycle, Setpoint
from vpp.dispatch.operations.cycle import control_cycle, control_cycles
from vpp.dispatch.operations.judging import STEP
from vpp.dispatch.operations.planning import lock_portfolios
from vpp.enrollment.handover import hand_over
from vpp.enrollment.models import Device, Portfolio, Site
from vpp.enrollment.suspension import set_opt_out, withdraw_consent
from vpp.enrollment.terms import change_limits, change_terms


def set_device_opt_out(
    device: Device, *, opted_out: bool, at: datetime, actor: object, reason: str = ""
) -> list[ControlCycle]:
    """From `at` on the owner lends the device no more (or again); its portfolio is dispatched again at once.

    The running setpoint of a device that leaves is ended by a release; the others take over what they can. A repeat
    changes nothing and dispatches nothing.
    """
    with transaction.atomic():
        if not set_opt_out(device, opted_out=opted_out, at=at, actor=actor, reason=reason):
            return []
        return _dispatch_again([device], at)


def withdraw_site_consent(site: Site, *, at: datetime, actor: object, reason: str = "") -> list[ControlCycle]:
    """From `at` on nothing of the site is used; the portfolios of its devices are dispatched again at once."""
    with transaction.atomic():
        ended = withdraw_consent(site, at=at, actor=actor, reason=reason)
        return _dispatch_again(ended, at)


def hand_site_over(
    site: Site, owner: Participant, *, since: datetime, at: datetime, actor: object, reason: str = ""
) -> list[ControlCycle]:
    """The site is another owner's: nothing of it is used until they have agreed; dispatched again at once."""
    with transaction.atomic():
        ended = hand_over(site, owner, since=since, at=at, actor=actor, reason=reason)
        return _dispatch_again(ended, at)


def set_device_terms(
    device: Device, wishes: Mapping[str, Any], *, at: datetime, actor: object, reason: str = ""
) -> list[ControlCycle]:
    """The owner's departure time, comfort band or floor from `at` on; the running interval is dispatched again."""
    with transaction.atomic():
        changed = change_terms(device, wishes, at=at, actor=actor, reason=reason)
        return _dispatch_again([device], at) if changed else []


def set_device_limits(
    device: Device, limits: Mapping[str, Any], *, at: datetime, actor: object, reason: str = ""
) -> list[ControlCycle]:
    """As set_device_terms, by staff, with events, hours, notice, rest and the machine's minimum times as well."""
    with transaction.atomic():
        changed = change_limits(device, limits, at=at, actor=actor, reason=reason)
        return _dispatch_again([device], at) if changed else []


def _dispatch_again(devices: Sequence[Device], at: datetime) -> list[ControlCycle]:
    portfolios = Portfolio.objects.filter(enrollments__device__in=devices, enrollments__period__contains=at)
    ids = portfolios.order_by("pk").values_list("pk", flat=True).distinct()
    return [replan(portfolio_id, at) for portfolio_id in ids]


def replan(portfolio_id: int, at: datetime) -> ControlCycle:
    """One more cycle of the running interval, after an event inside it."""
    start = at - timedelta(seconds=at.timestamp() % STEP.total_seconds())
    with transaction.atomic():
        lock_portfolios([portfolio_id])  # two events at once: each gets a revision of its own
        last = ControlCycle.objects.filter(portfolio_id=portfolio_id, interval_start=start).aggregate(Max("revision"))
        revision = 0 if last["revision__max"] is None else last["revision__max"] + 1
        return control_cycle(portfolio_id, start, at, revision)


def hold(portfolio_ids: Sequence[int], at: datetime) -> list[ControlCycle]:
    """One more cycle of the running interval for each portfolio, on what its devices have reported inside it."""
    start = at - timedelta(seconds=at.timestamp() % STEP.total_seconds())
    with transaction.atomic():
        lock_portfolios(sorted(portfolio_ids))
        past = ControlCycle.objects.filter(portfolio_id__in=portfolio_ids, interval_start=start)
        last = past.aggregate(Max("revision"))["revision__max"]
        return control_cycles(portfolio_ids, start, at, 0 if last is None else last + 1)


def react(portfolio_ids: Sequence[int], at: datetime) -> list[ControlCycle]:
    """A further cycle for each portfolio in which a device has refused since the last one."""
    start = at - timedelta(seconds=at.timestamp() % STEP.total_seconds())
    refused = Setpoint.objects.filter(
        portfolio_id__in=portfolio_ids, interval_start=start, state=Setpoint.State.REFUSED
    )
    newest = dict(
        ControlCycle.objects.filter(portfolio_id__in=portfolio_ids, interval_start=start)
        .values_list("portfolio_id")
        .annotate(last=Max("at"))
    )
    restless = {
        portfolio_id
        for portfolio_id, answered_at in refused.values_list("portfolio_id", "answered_at")
        if portfolio_id in newest and answered_at is not None and answered_at > newest[portfolio_id]
    }
    return [replan(portfolio_id, at) for portfolio_id in sorted(restless)]
