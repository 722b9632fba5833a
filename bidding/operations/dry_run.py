"""A nightly run that sends nothing and leaves no trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from bidding.operations import nightly as nights


@dataclass(frozen=True)
class DryBid:
    """A bid that would be sent; energies over the day in kWh, points of its curve."""

    portfolio: str
    product: str
    up_kwh: float
    down_kwh: float
    points: int
    gap: float | None


@dataclass(frozen=True)
class DryRun:
    """What a run would find and send now; steps as (name, state, seconds, findings)."""

    steps: list[tuple[str, str, float, list[str]]]
    bids: list[DryBid]


def dry_run(*, zone_code: str, delivery_date: date, at: datetime, budget_s: float = nights.BUDGET_S) -> DryRun:
    """Everything of `nightly` but sending, in a transaction that is taken back. Raises as `nightly` does."""
    with transaction.atomic():
        run, context = nights.begin(zone_code, delivery_date, at, budget_s, prefix="dry-run")
        for name, work in nights.prepared():
            nights.run_step(context, name, work)
        steps = [
            (step.name, step.state, step.duration_s or 0.0, step.detail.get("findings", []))
            for step in run.steps.order_by("pk")
        ]
        bids = [
            DryBid(
                portfolio=bid.portfolio.code,
                product=f"{bid.product.market.code}/{bid.product.code}",
                up_kwh=sum(bid.up_kw) * context.day.hours_per_interval,
                down_kwh=sum(bid.down_kw) * context.day.hours_per_interval,
                points=sum(len(points) for points in bid.curve or []),
                gap=bid.gap,
            )
            for bid in run.bids.select_related("portfolio", "product__market").order_by("pk")
        ]
        transaction.set_rollback(True)
    return DryRun(steps, bids)
