"""Bids on asks for reactive power: within what the inverters can give beside any real power, never promised twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from bidding.distribution.kernels.options import energy_mwh
from bidding.distribution.kernels.reactive import reactive_room_kvar
from bidding.models import Ask, Bid, BidOption, OrderedOption, Product
from bidding.operations import bids
from bidding.operations.drafts import BidDraft
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import device_table
from vpp.lib.inverters import INVERTER_KINDS
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]
PRICE_PER_MVARH = 4.0  # losses of the inverter and the risk of not delivering
PRICE_STEP = Decimal("0.0001")


def room_kvar(portfolio: Portfolio, feeder_code: str, day: DeliveryDay, at: datetime) -> FloatArray:
    """(H,) kvar that the portfolio's inverters on the feeder can give either way, less what is promised."""
    table = device_table(at=at, portfolio_id=portfolio.pk)
    here = np.array([code == feeder_code for code in table.feeder_code])
    able = table.usable() & table.of_kind(*INVERTER_KINDS) & here if here.size else np.zeros(0, dtype=bool)
    rated_kw = np.maximum(table.max_consumption_kw, table.max_production_kw)[able]
    room = reactive_room_kvar(rated_kw, day.n_intervals)
    promised = BidOption.objects.filter(
        Q(bid__award__isnull=False) | Q(bid__state__in=Bid.LIVE_STATES),
        bid__portfolio=portfolio,
        bid__delivery_date=day.date,
        bid__ask__congestion_point__feeder__code=feeder_code,
        kvar__isnull=False,
    )
    for kvar in promised.values_list("kvar", flat=True):
        room = room - np.abs(np.array(kvar))
    return np.maximum(np.floor(room), 0.0)


@dataclass(frozen=True)
class ReactiveCommitment:
    """An award of reactive power: kvar (H,) ordered of the inverters on a feeder, injection positive."""

    award_id: int
    feeder_code: str
    kvar: FloatArray


def reactive_commitments(portfolio_id: int, delivery_date: date) -> list[ReactiveCommitment]:
    """Every order of reactive power of the portfolio and day, by award."""
    ordered = OrderedOption.objects.filter(
        award__bid__portfolio_id=portfolio_id, award__bid__delivery_date=delivery_date, option__kvar__isnull=False
    ).select_related("option", "award__bid__ask__congestion_point__feeder")
    return [
        ReactiveCommitment(one.award_id, one.award.bid.ask.congestion_point.feeder.code, np.array(one.kvar, np.float64))
        for one in ordered.order_by("award_id")
        if one.award.bid.ask is not None
    ]


def answer_reactive(portfolio: Portfolio, product: Product, ask: Ask, day: DeliveryDay, at: datetime) -> Bid | None:
    """A bid of what the portfolio can give of the ask; None for nothing, or above the ceiling. Book lock held."""
    if bids.live_bid(portfolio, product, day, ask) is not None or ask.ceiling_price_per_mwh < PRICE_PER_MVARH:
        return None
    wanted = np.array(ask.quantity_kvar, dtype=np.float64)
    others = BidOption.objects.filter(bid__ask=ask, bid__state__in=Bid.LIVE_STATES)
    for kvar in others.values_list("kvar", flat=True):
        wanted = np.maximum(wanted - np.abs(np.array(kvar)), 0.0)
    given = np.minimum(wanted, room_kvar(portfolio, ask.congestion_point.feeder.code, day, at))
    if not given.any():
        return None
    zero = [0.0] * day.n_intervals
    version = bids.next_version(portfolio, ask)
    draft = BidDraft(portfolio, product, day, zero, zero, [PRICE_PER_MVARH] * day.n_intervals, ask=ask, version=version)
    bid = bids.create_bid(draft, at=at)
    price = PRICE_PER_MVARH * energy_mwh(given, day.hours_per_interval)
    BidOption.objects.create(
        bid=bid,
        reference="A",
        up_kw=zero,
        down_kw=zero,
        kvar=(given if ask.direction == "UP" else -given).tolist(),
        recovery_kw=zero,
        price_per_mwh=PRICE_PER_MVARH,
        price=Decimal(repr(price)).quantize(PRICE_STEP),
    )
    return bids.submit_bid(bid, at=at)
