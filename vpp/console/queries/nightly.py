"""Nightly runs as a timeline, what they planned for each portfolio, and the bids against those of the day before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Max, Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bidding.models import Bid, Market, NightlyRun, NightlyStep, PlannedDay
from vpp.accounts.models import Principal
from vpp.console import units
from vpp.console.queries.bids import CAPACITY
from vpp.console.refusals import told
from vpp.lib.units import energy_kwh

HISTORY_DAYS = 14
#: The steps of a run as the pages name them; collected here for the translators.
STEP_NAMES = (
    gettext_noop("data"), gettext_noop("forecast"), gettext_noop("fallback"), gettext_noop("optimise"),
    gettext_noop("check"), gettext_noop("submit"),
)  # fmt: skip
STEP_MINUTES = 15


@dataclass(frozen=True)
class Bar:
    """One step on the time axis of its run; start and width as shares of the whole."""

    step: NightlyStep
    start_pu: float
    width_pu: float
    notes: list[str]

    @property
    def x(self) -> str:
        return f"{self.start_pu * 100:.2f}%"

    @property
    def width(self) -> str:
        return f"{max(self.width_pu * 100, 0.4):.2f}%"


@dataclass(frozen=True)
class RunTimeline:
    run: NightlyRun
    bars: list[Bar]
    total_s: float
    zone: str


@dataclass
class PortfolioBids:
    """A portfolio's bids of a day in sums, with those of the day before."""

    code: str
    planned: PlannedDay | None = None
    bids: list[Bid] = field(default_factory=list)
    before: list[Bid] = field(default_factory=list)

    @staticmethod
    def _energy(bids: list[Bid], direction: str) -> float:
        energy = [bid for bid in bids if bid.product.kind not in CAPACITY]
        return float(sum(energy_kwh(np.sum(getattr(bid, direction)), STEP_MINUTES) for bid in energy))

    @property
    def up_kwh(self) -> float:
        return self._energy(self.bids, "up_kw")

    @property
    def down_kwh(self) -> float:
        return self._energy(self.bids, "down_kw")

    @property
    def before_up_kwh(self) -> float | None:
        return self._energy(self.before, "up_kw") if self.before else None

    @property
    def before_down_kwh(self) -> float | None:
        return self._energy(self.before, "down_kw") if self.before else None

    @property
    def held_kw(self) -> float:
        held = [bid for bid in self.bids if bid.product.kind in CAPACITY]
        return float(sum(max(np.max(bid.up_kw, initial=0.0), np.max(bid.down_kw, initial=0.0)) for bid in held))


@dataclass(frozen=True)
class BidsPage:
    delivery_date: date | None
    runs: list[RunTimeline]
    portfolios: list[PortfolioBids]
    history: list[RunTimeline]


def latest_run_date() -> date | None:
    return NightlyRun.objects.aggregate(newest=Max("delivery_date"))["newest"]


def bids_page(principal: Principal, delivery_date: date | None) -> BidsPage:
    """The runs for a delivery day (the newest if none is named) and what they bid."""
    shown = delivery_date or latest_run_date()
    if shown is None:
        return BidsPage(None, [], [], [])
    recent = (
        NightlyRun.objects.filter(delivery_date__range=(shown - timedelta(days=HISTORY_DAYS), shown))
        .prefetch_related(Prefetch("steps", NightlyStep.objects.order_by("started_at", "pk")))
        .order_by("-delivery_date", "zone_code")
    )
    zones = dict(Market.objects.values_list("zone_code", "time_zone"))
    timelines = [timeline(run, zones.get(run.zone_code, settings.HOUSE_ZONE)) for run in recent]
    lines: dict[int, PortfolioBids] = {}
    planned = (
        PlannedDay.objects.filter(run__delivery_date=shown)
        .select_related("portfolio")
        .defer("positions")
        .order_by("pk")
    )
    for one in planned:
        lines[one.portfolio_id] = PortfolioBids(one.portfolio.code, one)
    days = (shown, shown - timedelta(days=1))
    for bid in newest_bids(principal, *days):
        line = lines.setdefault(bid.portfolio_id, PortfolioBids(bid.portfolio.code))
        (line.bids if bid.delivery_date == shown else line.before).append(bid)
    return BidsPage(
        delivery_date=shown,
        runs=[one for one in timelines if one.run.delivery_date == shown],
        portfolios=sorted(lines.values(), key=lambda line: line.code),
        history=[one for one in timelines if one.run.delivery_date != shown],
    )


def newest_bids(principal: Principal, *days: date, portfolio: str = "") -> list[Bid]:
    """The newest version of each bid of these days."""
    found = Bid.objects.visible_to(principal).filter(delivery_date__in=days)
    if portfolio:
        found = found.filter(portfolio__code=portfolio)
    rows = found.select_related("portfolio", "product__market", "ask", "award").order_by("version")
    newest = {(bid.portfolio_id, bid.product_id, bid.ask_id, bid.delivery_date): bid for bid in rows}
    return sorted(newest.values(), key=lambda bid: bid.natural_key)


def timeline(run: NightlyRun, zone: str) -> RunTimeline:
    """Steps one after the other; their lengths are real time, also where the service's clock was simulated."""
    steps = list(run.steps.all())
    total_s = sum(step.duration_s or 0.0 for step in steps)
    bars, passed_s = [], 0.0
    for step in steps:
        duration_s = step.duration_s or 0.0
        share = duration_s / total_s if total_s else 0.0
        bars.append(Bar(step, passed_s / total_s if total_s else 0.0, share, notes(step.detail, zone)))
        passed_s += duration_s
    return RunTimeline(run, bars, total_s, zone)


#: What steps call their numbers, and words among them.
NAMES = {
    "portfolios": gettext_noop("portfolios"),
    "asks": gettext_noop("asks"),
    "bids": gettext_noop("bids"),
    "withdrawn": gettext_noop("withdrawn"),
    "limit_s": gettext_noop("time limit, s"),
    "better_by": gettext_noop("better by"),
    "open_bids": gettext_noop("open bids"),
    "open": gettext_noop("still open"),
    "events_to": gettext_noop("events up to"),
    "why": gettext_noop("why"),
    "kept": gettext_noop("kept"),
    "planned anew": gettext_noop("planned anew"),
    "published": gettext_noop("published"),
    "reference price": gettext_noop("reference price"),
}


def notes(detail: dict[str, Any], zone: str) -> list[str]:
    """What a step says about itself, in words of the reader's language."""
    found = []
    for name, value in detail.items():
        label = _(NAMES.get(name, name.replace("_", " ")))
        if name == "findings":
            found += [told(str(one), zone) for one in value]
        elif name == "gaps":
            found += [
                _("%(portfolio)s: at most %(share)s from the optimum")
                % {"portfolio": portfolio, "share": units.percent(gap)}
                for portfolio, gap in sorted(value.items())
            ]
        elif isinstance(value, dict):
            found += [f"{key}: {told(str(one), zone)}" for key, one in value.items()]
        elif isinstance(value, list):
            found.append(f"{label}: {', '.join(str(one) for one in value) or _('none')}")
        else:
            found.append(f"{label}: {_said_value(value, zone)}")
    return found


def _said_value(value: object, zone: str) -> str:
    if isinstance(value, float):
        return units.plain(value)
    return _(NAMES[value]) if isinstance(value, str) and value in NAMES else told(str(value), zone)
