"""Which devices delivered by plan or setpoint, and what they were expected to do without dispatch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.models import Plan, PlanDevice, Setpoint
from vpp.lib.periods import DeliveryDay

MOVED_KW = 0.05  # a target nearer to the baseline than this is no dispatch


@dataclass(frozen=True)
class Nominated:
    """Devices that a plan or a setpoint of the day moved, by id, with their planned baselines.

    baselines_kw : device id -> (H,) of the last plan made before the day began, else of the first plan.
    """

    device_ids: list[int]
    baselines_kw: dict[int, NDArray[np.float64]]


def nominated_devices(portfolio_id: int, day: DeliveryDay, as_of: datetime) -> Nominated:
    """The portfolio's delivery points of a day. Only they are settled: what a device that nobody moved did is its own
    affair, and its forecast error is no delivery."""
    made = Plan.objects.filter(portfolio_id=portfolio_id, delivery_date=day.date, created_at__lte=as_of)
    plans = list(made.order_by("version"))
    before = [plan for plan in plans if plan.created_at <= day.start]
    nominating = before[-1] if before else (plans[0] if plans else None)
    moved: set[int] = set()
    baselines: dict[int, NDArray[np.float64]] = {}
    rows = PlanDevice.objects.filter(plan__in=plans).values_list("plan_id", "device_id", "baseline_kw", "target_kw")
    for plan_id, device_id, baseline, target in rows.iterator(chunk_size=2000):
        baseline_kw = np.asarray(baseline, dtype=np.float64)
        if np.abs(np.asarray(target) - baseline_kw).max(initial=0.0) > MOVED_KW:
            moved.add(device_id)
        if nominating is not None and plan_id == nominating.pk:
            baselines[device_id] = baseline_kw
    moved.update(_moved_by_setpoint(portfolio_id, day, as_of))
    return Nominated(sorted(moved), baselines)


def _moved_by_setpoint(portfolio_id: int, day: DeliveryDay, as_of: datetime) -> set[int]:
    rows = Setpoint.objects.filter(
        portfolio_id=portfolio_id,
        interval_start__gte=day.start,
        interval_start__lt=day.end,
        released=False,
        issued_at__lte=as_of,
    )
    return set(rows.order_by().values_list("device_id", flat=True).distinct())
