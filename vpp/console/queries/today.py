"""The home page: is anything wrong, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Count, Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bidding.models import Market, NightlyRun
from bidding.models.awards import in_own_words
from forecasting.models import ForecastRun
from vpp.accounts.models import Principal
from vpp.console import units
from vpp.console.queries.alarms import open_counts
from vpp.console.queries.asks import open_by_stage
from vpp.console.queries.fleet import fleet_counts
from vpp.console.queries.gates import Gate, RunLine, gates, nightly_runs, run_line
from vpp.console.queries.portfolios import PortfolioLine, portfolio_lines
from vpp.dispatch.models import Plan
from vpp.jobs.models import Job
from vpp.lib.periods import DeliveryDay, delivery_day_of
from vpp.settlement.models import SettlementRun

STEP_MINUTES = 15
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Money:
    revenue: Decimal
    penalty: Decimal
    payouts: Decimal
    fees: Decimal
    margin: Decimal
    portfolios: int
    planned: float | None
    awarded: float
    awarded_so_far: float


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
    unseen: dict[str, int] = field(default_factory=dict)


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


def money_of(lines: Sequence[PortfolioLine]) -> Money:
    """Settled amounts in EUR, beside what the night planned and what was awarded."""
    runs = [line.settled for line in lines if line.settled is not None]
    names = ("revenue", "penalty", "payouts", "fees", "margin")
    planned = [line.planned for line in lines if line.planned is not None]
    return Money(
        **{name: sum((getattr(run, name) for run in runs), ZERO) for name in names},
        portfolios=len(runs),
        planned=sum(planned) if planned else None,
        awarded=sum(line.awarded for line in lines),
        awarded_so_far=sum(line.awarded_so_far for line in lines),
    )


def alarms_of(page: TodayPage) -> list[Alarm]:
    """The worst first."""
    found = []
    if page.dead_jobs:
        text = ngettext("%(count)d job given up", "%(count)d jobs given up", page.dead_jobs) % {"count": page.dead_jobs}
        found.append(Alarm(text, _("look at the error, then try again"), "console:system"))
    for kind, count in sorted(page.unseen.items()):
        found.append(Alarm(f"{count} × {_(kind)}", _("nobody has seen it"), "console:alarms"))
    found += [_of_cancelled(one.portfolio.code, told) for one in page.portfolios for told in one.cancelled]
    for line in page.runs:
        if line.run.state in (NightlyRun.State.FAILED, NightlyRun.State.DEGRADED):
            state = _(str(line.run.get_state_display()))
            text = _("nightly run %(key)s: %(state)s") % {"key": line.run.natural_key, "state": state}
            troubled = ", ".join(step["name"] for step in line.steps if step["state"] != "DONE")
            found.append(Alarm(text, troubled, "admin:bidding_nightlyrun_change", (line.run.pk,)))
    for one in page.portfolios:
        where, code = (one.portfolio.code, page.day.date.isoformat()), {"code": one.portfolio.code}
        if one.shortfalls:
            text = ngettext(
                "%(code)s: shortfall in %(count)d interval",
                "%(code)s: shortfall in %(count)d intervals",
                one.shortfalls,
            ) % {"code": one.portfolio.code, "count": one.shortfalls}
            size = ((one.shortfall_kw, "kW"), (one.shortfall_kvar, "kvar"))
            largest = _("largest %(size)s") % {"size": ", ".join(units.quantity(*each) for each in size if each[0])}
            found.append(Alarm(text, largest, "console:day", where))
        if one.forecast_state == ForecastRun.State.DEGRADED:
            found.append(Alarm(_("%(code)s: forecast with fallbacks") % code, "", "console:day", where))
        if one.settled is not None and one.settled.state == SettlementRun.State.DEGRADED:
            found.append(Alarm(_("%(code)s: settled with findings") % code, "", "console:day", where))
    return found


def _of_cancelled(code: str, told: dict[str, str]) -> Alarm:
    day = date.fromisoformat(told["date"])
    text = _("%(market)s cancelled an award of %(code)s for %(date)s") % {
        "market": told["market"], "code": code, "date": units.day(day),
    }  # fmt: skip
    detail = f"{in_own_words(told['reference'])} {told['reason']}".strip()
    return Alarm(text, detail, "console:portfolio_bids", (code, told["date"]))


def today_page(principal: Principal, at: datetime) -> TodayPage:
    markets = list(Market.objects.visible_to(principal).order_by("code"))
    zone = markets[0].time_zone if markets else settings.HOUSE_ZONE
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
        stages=open_by_stage(principal, day.start, today),
        money=money_of([]),
        dead_jobs=jobs.get(Job.State.DEAD, 0),
        waiting_jobs=jobs.get(Job.State.PENDING, 0) + jobs.get(Job.State.LEASED, 0),
    )
    page.unseen = open_counts(principal)
    page.money = money_of(page.portfolios)
    page.alarms = alarms_of(page)
    return page
