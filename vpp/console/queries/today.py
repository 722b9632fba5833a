"""The home page: is anything wrong, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import Count, F, Max, Q
from django.db.models.functions import JSONObject
from django.urls import reverse

from bidding.models import Award, Market, NightlyRun, Product
from forecasting.models import ForecastRun
from vpp.accounts.models import Principal
from vpp.console.queries.asks import open_by_stage
from vpp.console.queries.fleet import fleet_counts
from vpp.dispatch.models import Plan, Shortfall
from vpp.enrollment.models import Portfolio
from vpp.jobs.models import Job
from vpp.lib.periods import DeliveryDay, delivery_day_of, local_moment
from vpp.lib.units import energy_kwh
from vpp.settlement.models import SettlementRun

STEP_MINUTES = 15
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Gate:
    """A market's next gate, and the run that bids for it."""

    market: Market
    delivery_date: date
    gate_at: datetime
    run: NightlyRun | None


@dataclass(frozen=True)
class RunLine:
    """A nightly run with its steps in order."""

    run: NightlyRun
    steps: list[dict[str, Any]]
    duration_s: float | None


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
    plan_state: str = ""
    shortfalls: int = 0
    shortfall_kw: float = 0.0
    forecast_state: str = ""
    settled: SettlementRun | None = None

    @property
    def earned(self) -> Decimal | None:
        return None if self.settled is None else self.settled.revenue - self.settled.penalty


@dataclass(frozen=True)
class Money:
    revenue: Decimal
    penalty: Decimal
    payouts: Decimal
    fees: Decimal
    margin: Decimal
    portfolios: int


@dataclass(frozen=True)
class Alarm:
    """Something that needs a look: what, how bad, where to go on."""

    text: str
    detail: str
    route: str  # of the console or the admin
    arguments: tuple[object, ...] = ()

    @property
    def is_in_admin(self) -> bool:
        return self.route.startswith("admin:")

    @property
    def url(self) -> str:
        return reverse(self.route, args=self.arguments)


@dataclass
class TodayPage:
    at: datetime
    zone: str
    day: DeliveryDay
    is_past: bool
    has_data: bool
    gates: list[Gate]
    runs: list[RunLine]
    portfolios: list[PortfolioLine]
    fleet: list[tuple[str, str, int]]
    stages: list[tuple[str, str, int]]
    money: Money
    alarms: list[Alarm] = field(default_factory=list)
    dead_jobs: int = 0
    waiting_jobs: int = 0


def shown_date(today: date) -> date | None:
    """Today if it has data, else the latest day before it that has, else the first one after; None: no data at all."""
    tables = (Plan, NightlyRun, ForecastRun, SettlementRun)
    known: set[date] = set()
    querysets = [
        table._default_manager.filter(delivery_date__lte=today).values(shown=Max("delivery_date")) for table in tables
    ]
    ahead = [table._default_manager.values(shown=Max("delivery_date")) for table in tables]
    first, *rest = [queryset.order_by() for queryset in (*querysets, *ahead)]
    known = {row["shown"] for row in first.union(*rest) if row["shown"]}
    past = [day for day in known if day <= today]
    return max(past) if past else min(known, default=None)


def next_gate(market: Market, at: datetime) -> tuple[date, datetime]:
    """The first delivery date whose gate is still ahead, and that gate."""
    delivery_date = delivery_day_of(at, market.time_zone).date
    while True:
        gate_at = local_moment(
            delivery_date - timedelta(days=market.gate_days_before), market.gate_local_time, market.time_zone
        )
        if gate_at > at:
            return delivery_date, gate_at
        delivery_date += timedelta(days=1)


def gates(markets: Iterable[Market], runs: Iterable[NightlyRun], at: datetime) -> list[Gate]:
    by_day = {(run.zone_code, run.delivery_date): run for run in runs}
    found = []
    for market in markets:
        if market.kind == Market.Kind.DISTRIBUTION:
            continue  # an ask brings its own gate
        delivery_date, gate_at = next_gate(market, at)
        found.append(Gate(market, delivery_date, gate_at, by_day.get((market.zone_code, delivery_date))))
    return sorted(found, key=lambda gate: gate.gate_at)


def nightly_runs(since: date) -> list[NightlyRun]:
    """Runs for delivery days from `since` on, the newest first, each with `.step_rows`."""
    step = JSONObject(
        name="steps__name",
        state="steps__state",
        started_at="steps__started_at",
        duration_s="steps__duration_s",
    )
    return list(
        NightlyRun.objects.filter(delivery_date__gte=since)
        .annotate(step_rows=JSONBAgg(step, filter=Q(steps__isnull=False), default=[]))
        .order_by("-delivery_date", "zone_code")[:20]
    )


def run_line(run: NightlyRun) -> RunLine:
    steps = sorted(run.step_rows, key=lambda row: row["started_at"])  # type: ignore[attr-defined]
    duration = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    return RunLine(run, steps, duration)


def portfolio_lines(principal: Principal, day: DeliveryDay, at: datetime) -> list[PortfolioLine]:
    lines = {one.pk: PortfolioLine(one) for one in Portfolio.objects.visible_to(principal).order_by("code")}
    awards = (
        Award.objects.visible_to(principal)
        .filter(bid__delivery_date=day.date)
        .select_related("bid__product")
        .only("up_kw", "down_kw", "bid__portfolio_id", "bid__ask_id", "bid__product__kind", "bid__delivery_date")
    )
    for award in awards:
        _add_award(lines[award.bid.portfolio_id], award, day, at)
    plans = Plan.objects.visible_to(principal).filter(delivery_date=day.date).order_by("version")
    for portfolio_id, state in plans.values_list("portfolio_id", "state"):
        lines[portfolio_id].plan_state = state
    runs = ForecastRun.objects.filter(delivery_date=day.date, portfolio__isnull=False).order_by("issue_time")
    for portfolio_id, state in runs.values_list("portfolio_id", "state"):
        lines[portfolio_id].forecast_state = state
    _add_shortfalls(principal, lines, day)
    for run in SettlementRun.objects.visible_to(principal).filter(delivery_date=day.date).newest().defer("findings"):
        lines[run.portfolio_id].settled = run
    return list(lines.values())


def _add_award(line: PortfolioLine, award: Award, day: DeliveryDay, at: datetime) -> None:
    up_kw, down_kw = np.asarray(award.up_kw), np.asarray(award.down_kw)
    line.awards += 1
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


def _add_shortfalls(principal: Principal, lines: dict[int, PortfolioLine], day: DeliveryDay) -> None:
    """Shortfalls of the whole portfolio: how many intervals, and the largest."""
    rows = (
        Shortfall.objects.visible_to(principal)
        .filter(portfolio__in=list(lines), interval_start__gte=day.start, interval_start__lt=day.end)
        .values("portfolio_id")
        .annotate(
            intervals=Count("interval_start", distinct=True), low=Max(-F("shortfall_kw")), high=Max("shortfall_kw")
        )
        .order_by()
    )
    for row in rows:
        line = lines[row["portfolio_id"]]
        line.shortfalls, line.shortfall_kw = row["intervals"], max(row["low"], row["high"])


def money_of(lines: Iterable[PortfolioLine]) -> Money:
    runs = [line.settled for line in lines if line.settled is not None]
    names = ("revenue", "penalty", "payouts", "fees", "margin")
    return Money(**{name: sum((getattr(run, name) for run in runs), ZERO) for name in names}, portfolios=len(runs))


def alarms_of(page: TodayPage) -> list[Alarm]:
    """The worst first."""
    found = []
    if page.dead_jobs:
        text = f"{page.dead_jobs} job{'s' * (page.dead_jobs > 1)} given up"
        found.append(Alarm(text, "look at the error, then try again", "admin:jobs_job_changelist"))
    for line in page.runs:
        if line.run.state in (NightlyRun.State.FAILED, NightlyRun.State.DEGRADED):
            text = f"nightly run {line.run.natural_key}: {line.run.get_state_display()}"
            troubled = ", ".join(step["name"] for step in line.steps if step["state"] != "DONE")
            found.append(Alarm(text, troubled, "admin:bidding_nightlyrun_change", (line.run.pk,)))
    for one in page.portfolios:
        where = (one.portfolio.code, page.day.date.isoformat())
        if one.shortfalls:
            text = f"{one.portfolio.code}: shortfall in {one.shortfalls} interval{'s' * (one.shortfalls > 1)}"
            found.append(Alarm(text, f"largest {one.shortfall_kw:.1f} kW", "console:day", where))
        if one.forecast_state == ForecastRun.State.DEGRADED:
            found.append(Alarm(f"{one.portfolio.code}: forecast with fallbacks", "", "console:day", where))
        if one.settled is not None and one.settled.state == SettlementRun.State.DEGRADED:
            found.append(Alarm(f"{one.portfolio.code}: settled with findings", "", "console:day", where))
    return found


def today_page(principal: Principal, at: datetime) -> TodayPage:
    markets = list(Market.objects.visible_to(principal).order_by("code"))
    zone = markets[0].time_zone if markets else "UTC"
    today = delivery_day_of(at, zone).date
    latest = shown_date(today)
    shown = latest or today
    day = DeliveryDay(shown, zone)
    runs = nightly_runs(shown)
    jobs = dict(
        Job.objects.filter(state__in=[Job.State.DEAD, Job.State.PENDING, Job.State.LEASED])
        .values_list("state")
        .annotate(Count("pk"))
        .order_by()
    )
    page = TodayPage(
        at=at,
        zone=zone,
        day=day,
        is_past=shown != today,
        has_data=latest is not None,
        gates=gates(markets, runs, at),
        runs=[run_line(run) for run in runs],
        portfolios=portfolio_lines(principal, day, at),
        fleet=fleet_counts(principal, day.start if shown != today else at),
        stages=open_by_stage(principal, day.start),
        money=Money(ZERO, ZERO, ZERO, ZERO, ZERO, 0),
        dead_jobs=jobs.get(Job.State.DEAD, 0),
        waiting_jobs=jobs.get(Job.State.PENDING, 0) + jobs.get(Job.State.LEASED, 0),
    )
    page.money = money_of(page.portfolios)
    page.alarms = alarms_of(page)
    return page
