"""Read-only questions about promises: what is committed, what is planned, and whether the book adds up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from bidding.models import Activation, Ask, Award, Bid, BookCell, BookEntry, NightlyRun
from vpp.enrollment.models import Enrollment
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CommitmentArrays:
    """An award as arrays (H,), relative to the baseline; price is EUR/MWh, for reserve capacity EUR/MW/h."""

    award_id: int
    bid_id: int
    product_id: int
    product_code: str
    product_kind: str
    market_code: str
    ask_id: int | None
    feeder_code: str  # of the ask's congestion point; empty for wholesale
    time_zone: str
    up_kw: FloatArray
    down_kw: FloatArray
    price: FloatArray


@dataclass(frozen=True)
class BookProblem:
    """A place where the book does not add up."""

    portfolio_code: str
    rule: str
    interval_start: datetime | None
    value_kw: float
    limit_kw: float
    label: str = ""


def commitments(portfolio_id: int, delivery_date: date) -> list[CommitmentArrays]:
    """Every award of the portfolio and day that stands, by id."""
    awards = (
        Award.objects.standing()
        .filter(bid__portfolio_id=portfolio_id, bid__delivery_date=delivery_date)
        .select_related("bid__product__market", "bid__ask__congestion_point__feeder")
        .order_by("pk")
    )
    return [
        CommitmentArrays(
            award_id=award.pk,
            bid_id=award.bid_id,
            product_id=award.bid.product_id,
            product_code=award.bid.product.code,
            product_kind=award.bid.product.kind,
            market_code=award.bid.product.market.code,
            ask_id=award.bid.ask_id,
            feeder_code=award.bid.ask.congestion_point.feeder.code if award.bid.ask else "",
            time_zone=award.bid.product.market.time_zone,
            up_kw=np.array(award.up_kw, dtype=np.float64),
            down_kw=np.array(award.down_kw, dtype=np.float64),
            price=np.array(award.price_per_mwh, dtype=np.float64),
        )
        for award in awards
    ]


def activated_pu(award_id: int, day: DeliveryDay) -> FloatArray:
    """(H,) called share of a reserve award."""
    called = np.zeros(day.n_intervals)
    calls = Activation.objects.filter(award_id=award_id, interval_start__gte=day.start, interval_start__lt=day.end)
    for start, share in calls.values_list("interval_start", "activated_pu"):
        called[day.index_of(start)] = share
    return called


def nightly_run(zone_code: str, delivery_date: date) -> NightlyRun | None:
    return NightlyRun.objects.nights().filter(zone_code=zone_code, delivery_date=delivery_date).order_by("pk").first()


def open_asks(zone_code: str, delivery_date: date, at: datetime) -> list[Ask]:
    """Asks of the day for real power that still want a bid, in the order they came; not those on feeders behind which
    only portfolios of other zones stand, which these answer."""
    asks = Ask.objects.open_for_bids().filter(
        delivery_date=delivery_date, gate_at__gt=at, power_kind=Ask.PowerKind.REAL
    )
    behind = Enrollment.objects.filter(period__contains=at)
    here, elsewhere = behind.filter(portfolio__zone_code=zone_code), behind.exclude(portfolio__zone_code=zone_code)
    feeder, column = "congestion_point__feeder__code__in", "device__site__feeder_code"
    asks = asks.filter(Q(**{feeder: here.values(column)}) | ~Q(**{feeder: elsewhere.values(column)}))
    return list(asks.select_related("congestion_point__feeder", "utility", "contract").order_by("created_at", "pk"))


def book_check(delivery_date: date) -> list[BookProblem]:
    """The independent check: every live bid and award of the day against the book, in plain code; empty when sound.

    Sums are built from the bids' and awards' own arrays, so that a mistake in the entries or in the trigger shows up.
    """
    from bidding.kernels.book import Promise, check_book

    found: list[BookProblem] = []
    live = (
        Bid.objects.filter(delivery_date=delivery_date, state__in=[s for s in Bid.LIVE_STATES if s != Bid.State.DRAFT])
        .select_related("product__market", "portfolio", "award", "ask")
        .order_by("portfolio__code", "pk")
    )
    by_portfolio: dict[int, list[Bid]] = {}
    for bid in live:
        by_portfolio.setdefault(bid.portfolio_id, []).append(bid)
    for portfolio_id, bids in by_portfolio.items():
        day = DeliveryDay(delivery_date, bids[0].product.market.time_zone)
        starts = day.starts()
        capacity = _cells(portfolio_id, day)
        promises = []
        for bid in bids:
            holder = bid.award or bid
            lot, minimum = (0.0, 0.0) if bid.award is not None else (bid.product.lot_kw, bid.product.min_quantity_kw)
            promises += [
                Promise(bid.natural_key, "UP", holder.up_kw, lot, minimum),
                Promise(bid.natural_key, "DOWN", holder.down_kw, lot, minimum),
            ]
        findings = check_book(promises, capacity_up_kw=capacity["UP"], capacity_down_kw=capacity["DOWN"])
        code = bids[0].portfolio.code
        found += [
            BookProblem(code, item.rule, starts[item.interval], item.value_kw, item.limit_kw, item.label)
            for item in findings
        ]
        found += _entries_disagree(code, bids, day)
    return found


def _cells(portfolio_id: int, day: DeliveryDay) -> dict[str, list[float]]:
    capacity = {"UP": [0.0] * day.n_intervals, "DOWN": [0.0] * day.n_intervals}
    cells = BookCell.objects.filter(
        portfolio_id=portfolio_id, interval_start__gte=day.start, interval_start__lt=day.end
    )
    for start, direction, value in cells.values_list("interval_start", "direction", "capacity_kw"):
        capacity[direction][day.index_of(start)] = float(value)
    return capacity


def _entries_disagree(code: str, bids: list[Bid], day: DeliveryDay) -> list[BookProblem]:
    """Entries that do not repeat what the bid or award says."""
    held: dict[tuple[int, str, int], float] = {}
    entries = BookEntry.objects.filter(bid__in=bids).exclude(state=BookEntry.State.RELEASED)
    for bid_id, start, direction, quantity in entries.values_list(
        "bid_id", "interval_start", "direction", "quantity_kw"
    ):
        held[bid_id, direction, day.index_of(start)] = float(quantity)
    problems = []
    for bid in bids:
        holder = bid.award or bid
        for direction, series in (("UP", holder.up_kw), ("DOWN", holder.down_kw)):
            for interval, promised_kw in enumerate(series):
                entry = held.get((bid.pk, direction, interval), 0.0)
                if abs(entry - promised_kw) > 1e-3:
                    problems.append(
                        BookProblem(code, "entry_differs", day.starts()[interval], entry, promised_kw, bid.natural_key)
                    )
    return problems
