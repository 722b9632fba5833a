"""What was sold: awards of a day with their calls and prices, and the days that had any."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bidding.models import Activation, Award, Price, Product
from vpp.lib.periods import DeliveryDay, as_datetime64
from vpp.settlement.kernels.day import AwardDay
from vpp.settlement.kernels.revenue import AwardTerms
from vpp.settlement.models import PaymentRule
from vpp.settlement.queries.rules import RuleMissing
from vpp.settlement.queries.terms import DayTerms

PRICE_QUANTUM = Decimal("0.000001")


def awards_of(portfolio_id: int, delivery_date: date, as_of: datetime) -> list[Award]:
    """The awards of a portfolio's day that were known at `as_of`, in the order they were made."""
    return list(
        Award.objects.filter(bid__portfolio_id=portfolio_id, bid__delivery_date=delivery_date, awarded_at__lte=as_of)
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


def _terms(
    award: Award, rule: PaymentRule, held: DayTerms, energy_prices: list[Decimal | None], month: str
) -> AwardTerms:
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


def decimal_price(price: float) -> Decimal:
    """A stored price as an exact amount of EUR/MWh."""
    return Decimal(repr(float(price))).quantize(PRICE_QUANTUM)


def event_days_before(
    portfolio_id: int, delivery_date: date, lookback_days: int, as_of: datetime
) -> dict[date, tuple[int, int]]:
    """Earlier days on which the portfolio was called, with their first and one past the last called interval.

    Reserve that was only held is not a call; its activations are looked at one by one.
    """
    since = delivery_date - timedelta(days=lookback_days)
    rows = Award.objects.filter(
        bid__portfolio_id=portfolio_id,
        bid__delivery_date__gte=since,
        bid__delivery_date__lt=delivery_date,
        awarded_at__lte=as_of,
    ).exclude(bid__product__kind__in=[Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN])
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
    rows = Activation.objects.filter(
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


def _energy_prices(awards: Sequence[Award], day: DeliveryDay, as_of: datetime) -> list[Decimal | None]:
    """(H,) the wholesale energy price of the awards' zone, as known at `as_of`; None where there is none."""
    prices: list[Decimal | None] = [None] * day.n_intervals
    if not awards:
        return prices
    market = awards[0].bid.product.market
    rows = (
        Price.objects.known_at(as_of)
        .filter(product__kind=Product.Kind.ENERGY, product__market__zone_code=market.zone_code)
        .filter(interval_start__gte=day.start - timedelta(hours=1), interval_start__lt=day.end)
        .order_by("product_id", "interval_start", "available_at")
        .values_list("product_id", "product__market__mtu_minutes", "interval_start", "price")
    )
    first_product = None
    for product_id, mtu_minutes, start, price in rows:
        first_product = first_product or product_id
        if product_id != first_product:
            break
        offset_s = int((as_datetime64(start) - as_datetime64(day.start)).astype(int))
        first = offset_s // (day.step_minutes * 60)
        for index in range(max(0, first), min(day.n_intervals, first + max(1, mtu_minutes // day.step_minutes))):
            prices[index] = decimal_price(price)
    return prices
