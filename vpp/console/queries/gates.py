"""Gates ahead and the nightly runs that bid before them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import Q
from django.db.models.functions import JSONObject

from bidding.models import Market, NightlyRun
from bidding.operations.drafts import market_gate
from vpp.accounts.models import Principal
from vpp.lib.periods import delivery_day_of

RUN_LIMIT = 20


@dataclass(frozen=True)
class Gate:
    """A market's next gate, and the run that bids for it."""

    market: Market
    delivery_date: date
    gate_at: datetime
    run: NightlyRun | None


@dataclass(frozen=True)
class RunLine:
    """A nightly run with its steps in order, and the real time they took together."""

    run: NightlyRun
    steps: list[dict[str, Any]]
    duration_s: float | None


def next_gate(market: Market, at: datetime) -> tuple[date, datetime]:
    """The first delivery date whose gate is still ahead, and that gate."""
    delivery_date = delivery_day_of(at, market.time_zone).date
    while (gate_at := market_gate(market, delivery_date)) <= at:
        delivery_date += timedelta(days=1)
    return delivery_date, gate_at


def gates(markets: Iterable[Market], runs: Iterable[NightlyRun], at: datetime) -> list[Gate]:
    by_day = {(run.zone_code, run.delivery_date): run for run in runs}
    found = []
    for market in markets:
        if market.kind == Market.Kind.DISTRIBUTION:
            continue  # an ask brings its own gate
        delivery_date, gate_at = next_gate(market, at)
        found.append(Gate(market, delivery_date, gate_at, by_day.get((market.zone_code, delivery_date))))
    return sorted(found, key=lambda gate: gate.gate_at)


def gates_ahead(principal: Principal, at: datetime, zone_code: str = "") -> list[Gate]:
    """The next gate of each market that this principal sees, of one zone or of all."""
    markets = Market.objects.visible_to(principal).order_by("code")
    return gates(markets.filter(zone_code=zone_code) if zone_code else markets, [], at)


def nightly_runs(since: date) -> list[NightlyRun]:
    """Runs for delivery days from `since` on, the newest first, each with `.step_rows`."""
    step = JSONObject(
        name="steps__name",
        state="steps__state",
        started_at="steps__started_at",
        duration_s="steps__duration_s",
    )
    return list(
        NightlyRun.objects.nights()
        .filter(delivery_date__gte=since)
        .annotate(step_rows=JSONBAgg(step, filter=Q(steps__isnull=False), default=[]))
        .order_by("-delivery_date", "zone_code")[:RUN_LIMIT]
    )


def run_line(run: NightlyRun) -> RunLine:
    steps = sorted(run.step_rows, key=lambda row: row["started_at"])  # type: ignore[attr-defined]
    known = [step["duration_s"] for step in steps if step["duration_s"] is not None]
    return RunLine(run, steps, sum(known) if known else None)
