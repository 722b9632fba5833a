"""What each portfolio sold on a delivery day, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Abs, JSONObject

from bidding.models import Award, Bid, PlannedDay, Product
from forecasting.models import ForecastRun
from vpp.accounts.models import Principal
from vpp.dispatch.models import ControlCycle, Plan, Shortfall
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay, delivery_day_of
from vpp.lib.units import energy_kwh
from vpp.settlement.models import SettlementRun

STEP_MINUTES = 15


@dataclass
class PortfolioLine:
    """What a portfolio sold on the day; energies in kWh, money in EUR."""

    portfolio: Portfolio
    sold_up_kwh: float = 0.0
    sold_down_kwh: float = 0.0
    held_up_kw: float = 0.0
    held_down_kw: float = 0.0
    asks: int = 0
    awards: int = 0
    now_up_kw: float | None = None
    missing_up_kw: float | None = None
    plan_state: str = ""
    shortfalls: int = 0
    shortfall_kw: float = 0.0
    shortfall_kvar: float = 0.0
    forecast_state: str = ""
    settled: SettlementRun | None = None
    planned: float | None = None  # profit that the night expected of it
    awarded: float = 0.0  # worth of its awards at their prices, calls of reserve left out
    awarded_so_far: float = 0.0  # of the intervals that have begun
    cancelled: list[dict[str, str]] = field(default_factory=list)  # as `cancelled_awards` tells

    @property
    def earned(self) -> Decimal | None:
        return None if self.settled is None else self.settled.revenue - self.settled.penalty


def portfolio_lines(principal: Principal, day: DeliveryDay, at: datetime) -> list[PortfolioLine]:
    told = ArraySubquery(cancelled_awards(delivery_day_of(at, day.zone).date))
    portfolios = with_states(principal, day).annotate(cancelled=told)
    lines = {one.pk: line_of(one) for one in portfolios.order_by("code")}
    awards = (
        Award.objects.visible_to(principal)
        .standing()
        .filter(bid__delivery_date=day.date)
        .select_related("bid__product")
        .only(
            "up_kw",
            "down_kw",
            "price_per_mwh",
            "bid__portfolio_id",
            "bid__ask_id",
            "bid__product__kind",
            "bid__delivery_date",
        )  # fmt: skip
    )
    for award in awards:
        _add_award(lines[award.bid.portfolio_id], award, day, at)
    if day.start <= at < day.end:
        _add_deviation(principal, lines, day.starts()[day.index_of(at)])
    _add_shortfalls(principal, lines, day)
    for run in SettlementRun.objects.visible_to(principal).filter(delivery_date=day.date).newest().defer("findings"):
        lines[run.portfolio_id].settled = run
    return list(lines.values())


def with_states(principal: Principal, day: DeliveryDay) -> QuerySet[Portfolio]:
    """Portfolios with the state of their newest plan and forecast of the day, and what the night expected of them."""
    of_day = {"portfolio": OuterRef("pk"), "delivery_date": day.date}
    plans = Plan.objects.visible_to(principal).filter(**of_day).order_by("-version")
    runs = ForecastRun.objects.visible_to(principal).filter(**of_day).order_by("-issue_time", "-version")
    nights = PlannedDay.objects.filter(portfolio=OuterRef("pk"), run__delivery_date=day.date).order_by("-pk")
    return Portfolio.objects.visible_to(principal).annotate(
        plan_state=Subquery(plans.values("state")[:1]),
        forecast_state=Subquery(runs.values("state")[:1]),
        planned=Subquery(nights.values("expected_profit")[:1]),
    )


def cancelled_awards(since: date) -> QuerySet[Any, Any]:
    """Of the outer portfolio what its markets took back of days from `since` on, without another result since."""
    found = Award.objects.filter(
        bid__portfolio=OuterRef("pk"), bid__delivery_date__gte=since, bid__state=Bid.State.CANCELLED,
        corrected_by__isnull=True,
    ).order_by("-cancellation__cancelled_at", "pk")  # fmt: skip
    facts = {"market": "bid__product__market__code", "date": "bid__delivery_date"}
    told = {"reference": "cancellation__source_reference", "reason": "cancellation__reason"}
    return found.annotate(told=JSONObject(**facts, **told)).values("told")


def line_of(portfolio: Portfolio) -> PortfolioLine:
    plan_state, forecast_state = (getattr(portfolio, name) or "" for name in ("plan_state", "forecast_state"))
    planned: float | None = portfolio.planned  # type: ignore[attr-defined]
    line = PortfolioLine(portfolio, plan_state=plan_state, forecast_state=forecast_state, planned=planned)
    line.cancelled = getattr(portfolio, "cancelled", [])
    return line


def _add_deviation(principal: Principal, lines: dict[int, PortfolioLine], interval_start: datetime) -> None:
    """What the control loop's last pass over the running interval could not place."""
    cycles = ControlCycle.objects.visible_to(principal).filter(interval_start=interval_start).order_by("revision")
    for portfolio_id, residual_kw in cycles.values_list("portfolio_id", "residual_up_kw"):
        lines[portfolio_id].missing_up_kw = residual_kw


def _add_award(line: PortfolioLine, award: Award, day: DeliveryDay, at: datetime) -> None:
    up_kw, down_kw = np.asarray(award.up_kw), np.asarray(award.down_kw)
    line.awards += 1
    _add_worth(line, award, day, at)
    line.asks += award.bid.ask_id is not None
    if award.bid.product.kind in (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN):
        line.held_up_kw = max(line.held_up_kw, float(up_kw.max(initial=0.0)))
        line.held_down_kw = max(line.held_down_kw, float(down_kw.max(initial=0.0)))
        return
    line.sold_up_kwh += float(energy_kwh(up_kw.sum(), STEP_MINUTES))
    line.sold_down_kwh += float(energy_kwh(down_kw.sum(), STEP_MINUTES))
    if day.start <= at < day.end:
        index = day.index_of(at)
        line.now_up_kw = (line.now_up_kw or 0.0) + float(up_kw[index] - down_kw[index])


def _add_worth(line: PortfolioLine, award: Award, day: DeliveryDay, at: datetime) -> None:
    """At the award's prices: energy sold less energy bought, and capacity held either way."""
    up_kw, down_kw = np.asarray(award.up_kw), np.asarray(award.down_kw)
    held = award.bid.product.kind in (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN)
    sold_kw = up_kw + down_kw if held or award.bid.ask_id else up_kw - down_kw
    worth = energy_kwh(sold_kw, STEP_MINUTES) * np.asarray(award.price_per_mwh) / 1000.0
    begun = worth.size if at >= day.end else 0 if at < day.start else day.index_of(at) + 1
    line.awarded += float(worth.sum())
    line.awarded_so_far += float(worth[:begun].sum())


def _add_shortfalls(principal: Principal, lines: dict[int, PortfolioLine], day: DeliveryDay) -> None:
    """Shortfalls of the whole portfolio: how many intervals, and the largest."""
    rows = (
        Shortfall.objects.visible_to(principal)
        .filter(portfolio__in=list(lines), interval_start__gte=day.start, interval_start__lt=day.end)
        .values("portfolio_id")
        .annotate(
            intervals=Count("interval_start", distinct=True),
            largest_kw=Max(Abs("shortfall_kw")),
            largest_kvar=Max(Abs("shortfall_kvar")),
        )
        .order_by()
    )
    for row in rows:
        line = lines[row["portfolio_id"]]
        line.shortfalls, line.shortfall_kw = row["intervals"], row["largest_kw"]
        line.shortfall_kvar = row["largest_kvar"]
