"""What was sold: awards of a day with their calls and prices, and the days that had any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bidding.models import Activation, Award, Product
from vpp.lib.periods import DeliveryDay
from vpp.settlement.kernels.day import AwardDay
from vpp.settlement.kernels.revenue import AwardTerms
from vpp.settlement.kernels.value import Prices
from vpp.settlement.models import PaymentRule
from vpp.settlement.queries.prices import decimal_price, prices_of_day
from vpp.settlement.queries.rules import RuleMissing
from vpp.settlement.queries.terms import DayTerms


def awards_of(portfolio_id: int, delivery_date: date, as_of: datetime) -> list[Award]:
    """The awards of a portfolio's day that stood as known at `as_of`, in the order they were made."""
    return list(
        Award.objects.standing_at(as_of)
        .filter(bid__portfolio_id=portfolio_id, bid__delivery_date=delivery_date)
        .select_related("bid__product__market", "bid__ask__contract")
        .order_by("pk")
    )


def as_award_days(
    awards: Sequence[Award], day: DeliveryDay, rules: dict[str, PaymentRule], held: DayTerms, as_of: datetime
) -> list[AwardDay]:
    """The awards as kernels take them."""
    needing = [award for award in awards if _is_reserve(award) or held.of(award).lines]
    energy_prices = _energy_prices(needing, day, as_of)
    calls = _called_pu([award for award in awards if _is_reserve(award)], day, as_of)
    called = np.ones(day.n_intervals)  # all but a reserve is called as it is awarded
    found = []
    for award in awards:
        kind = award.bid.product.kind
        if kind not in rules:
            raise RuleMissing(f"no payment rule for {kind} on {day.date}", product_kind=kind)
        found.append(
            AwardDay(
                key=award.source_reference,
                terms=_terms(award, rules[kind], held, energy_prices, f"{day.date:%Y-%m}"),
                up_kw=np.asarray(award.up_kw, dtype=np.float64),
                down_kw=np.asarray(award.down_kw, dtype=np.float64),
                called_pu=calls.get(award.pk, np.zeros(day.n_intervals)) if _is_reserve(award) else called,
            )
        )
    return found


def _terms(award: Award, rule: PaymentRule, held: DayTerms, energy_prices: Prices, month: str) -> AwardTerms:
    own = held.of(award)
    return AwardTerms(
        product_kind=award.bid.product.kind,
        prices=[decimal_price(price) for price in award.price_per_mwh],
        energy_prices=energy_prices,
        imbalance_spread_pu=rule.imbalance_spread_pu,
        penalty_pu=rule.penalty_pu,
        band=[(float(share), float(factor)) for share, factor in rule.performance_band] or [(0.0, 1.0)],
        month=month,
        lines=own.lines,
        series=own.series,
        inputs=own.inputs,
    )


def event_days_before(
    portfolio_id: int, delivery_date: date, lookback_days: int, as_of: datetime
) -> dict[date, tuple[int, int]]:
    """Earlier days on which the portfolio was called, with their first and one past the last called interval.

    Reserve that was only held is not a call; its activations are looked at one by one.
    """
    since = delivery_date - timedelta(days=lookback_days)
    rows = (
        Award.objects.standing_at(as_of)
        .filter(
            bid__portfolio_id=portfolio_id,
            bid__delivery_date__gte=since,
            bid__delivery_date__lt=delivery_date,
        )
        .exclude(bid__product__kind__in=[Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN])
    )
    found: dict[date, tuple[int, int]] = {}
    for day, up, down in rows.values_list("bid__delivery_date", "up_kw", "down_kw"):
        called = np.flatnonzero(np.asarray(up) + np.asarray(down) > 0)
        if called.size:
            first, last = found.get(day, (int(called[0]), 0))
            found[day] = min(first, int(called[0])), max(last, int(called[-1]) + 1)
    return found


def activated_days_before(
    portfolio_id: int, delivery_date: date, lookback_days: int, as_of: datetime
) -> frozenset[date]:
    """Earlier delivery days with a reserve activation."""
    since = delivery_date - timedelta(days=lookback_days)
    rows = Activation.objects.exclude(award__cancellation__cancelled_at__lte=as_of).filter(
        award__bid__portfolio_id=portfolio_id,
        award__bid__delivery_date__gte=since,
        award__bid__delivery_date__lt=delivery_date,
        activated_pu__gt=0,
        received_at__lte=as_of,
    )
    return frozenset(rows.values_list("award__bid__delivery_date", flat=True).distinct())


def _is_reserve(award: Award) -> bool:
    return award.bid.product.kind in (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN)


def _called_pu(awards: Sequence[Award], day: DeliveryDay, as_of: datetime) -> dict[int, NDArray[np.float64]]:
    """(H,) activated share per reserve award that was called."""
    found: dict[int, NDArray[np.float64]] = {}
    for call in Activation.objects.filter(award__in=awards, received_at__lte=as_of):
        if day.start <= call.interval_start < day.end:
            row = found.setdefault(call.award_id, np.zeros(day.n_intervals))
            row[day.index_of(call.interval_start)] = call.activated_pu
    return found


def _energy_prices(awards: Sequence[Award], day: DeliveryDay, as_of: datetime) -> Prices:
    """(H,) the wholesale energy price of the awards' zone, as known at `as_of`; None where there is none.

    Of several energy products the first that has a price of the day."""
    nothing: Prices = [None] * day.n_intervals
    if not awards:
        return nothing
    zone_code = awards[0].bid.product.market.zone_code
    for product in Product.objects.in_zone(zone_code).filter(kind=Product.Kind.ENERGY).order_by("pk"):
        prices = prices_of_day(product, day, as_of)
        if any(price is not None for price in prices):
            return prices
    return nothing
