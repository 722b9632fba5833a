"""FlexSettlement: every order of the period must be in it; each is accepted or disputed with the reason."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from vpp.lib.periods import DeliveryDay
from vpp.settlement.kernels.utility_statement import TheirInterval
from vpp.settlement.models import Performance
from vpp.settlement.operations import import_utility_statement
from vpp.uftp import refusals
from vpp.uftp.isps import WATTS_PER_KW, date_of, expand, watts
from vpp.uftp.models import InMessage, Order
from vpp.uftp.refusals import Rejected

TOLERANCE_W, TOLERANCE_PU = 500, 0.01
CENT = Decimal("0.01")


def take(row: InMessage, message: Any, at: datetime) -> dict[str, Any]:
    """Rejected as a whole where an order is missing or a period is out of it; else a status per item."""
    first, last = date_of(message.period_start), date_of(message.period_end)
    items = message.flex_order_settlements
    if last < first or any(not first <= date_of(item.period) <= last for item in items):
        raise Rejected(refusals.PERIOD)
    ours = {
        order.order_reference: order
        for order in Order.objects.filter(
            counterparty=row.counterparty, award__bid__delivery_date__range=(first, last)
        ).select_related("award__bid__ask__congestion_point", "award__bid__product__market")
    }
    if missing := sorted(set(ours) - {item.order_reference for item in items}):
        raise Rejected(f"{refusals.INVALID}: order {missing[0]} of the period is missing")
    _keep(row, message, ours, at)
    return {
        "flex_order_settlement_statuses": [
            _status(item, dispute(item, ours.get(item.order_reference))) for item in items
        ]
    }


def _keep(row: InMessage, message: Any, ours: dict[str, Order], at: datetime) -> None:
    """Their figures beside ours in the books of settlement, where what differs opens a dispute with its evidence."""
    items = message.flex_order_settlements
    asks = {reference: order.award.bid.ask for reference, order in ours.items() if order.award.bid.ask is not None}
    import_utility_statement(
        utility=row.counterparty.participant,
        reference=str(row.message_id),
        intervals=[one for item in items if item.order_reference in asks for one in _said(item, ours)],
        net_by_order={item.order_reference: item.net_settlement for item in items},
        asks=asks,
        currency=message.currency,
        at=at,
        actor=row.counterparty.domain,
    )


def _said(item: Any, ours: dict[str, Order]) -> list[TheirInterval]:
    """Their intervals along the order's direction; none where the ISPs cannot be read, which the status says."""
    day = _day(ours[item.order_reference])
    try:
        isps = expand(item.isps, day)
    except Rejected:
        return []
    return [
        TheirInterval(
            order=item.order_reference,
            delivery_date=day.date,
            isp=index + 1,
            ordered_kw=abs(isp.ordered_flex_power) / WATTS_PER_KW,
            delivered_kw=abs(isp.delivered_flex_power) / WATTS_PER_KW,
            deficiency_kw=abs(isp.power_deficiency) / WATTS_PER_KW,
        )
        for index, isp in isps.items()
    ]


def _day(order: Order) -> DeliveryDay:
    return DeliveryDay(order.award.bid.delivery_date, order.award.bid.product.market.time_zone)


def all_disputed(message: Any, reason: str) -> list[Any]:
    """An answer has a status per item, also where all is rejected."""
    return [_status(item, reason or "rejected") for item in message.flex_order_settlements]


def _status(item: Any, why: str) -> Any:
    from shapeshifter_uftp.uftp import AcceptedDisputed, FlexOrderSettlementStatus

    return FlexOrderSettlementStatus(
        order_reference=item.order_reference,
        disposition=AcceptedDisputed.DISPUTED if why else AcceptedDisputed.ACCEPTED,
        dispute_reason=why or None,
    )


def dispute(item: Any, order: Order | None) -> str:
    """Why an item is not accepted; empty when it is."""
    if order is None:
        return "the order is unknown"
    award = order.award
    day = _day(order)
    if date_of(item.period) != day.date:
        return f"the order is of {day.date}"
    if award.bid.ask is not None and item.congestion_point != award.bid.ask.congestion_point.code:
        return "the order is of another congestion point"
    if abs(item.price - order.price) >= CENT:
        return f"the price ordered was {order.price}"
    if abs(item.price - item.penalty - item.net_settlement) >= CENT:
        return "NetSettlement is not Price less Penalty"
    try:
        isps = expand(item.isps, day)
    except Rejected as error:
        return str(error)
    ordered = watts(award.up_kw, award.down_kw)
    said = {index + 1: isp.ordered_flex_power for index, isp in isps.items() if isp.ordered_flex_power}
    if said != ordered:
        return "OrderedFlexPower is not what was ordered"
    return _delivery(isps) or _against_ours(isps, order)


def _delivery(isps: dict[int, Any]) -> str:
    """Delivered = min(ordered, baseline - actual) and not below 0, deficiency = the rest, along the order's sign."""
    for index, isp in isps.items():
        sign = -1 if isp.ordered_flex_power < 0 else 1
        ordered, moved = abs(isp.ordered_flex_power), sign * (isp.actual_power - isp.baseline_power)
        delivered = max(0, min(ordered, moved))
        if abs(abs(isp.delivered_flex_power) - delivered) > 1:
            return f"ISP {index + 1}: DeliveredFlexPower is not {delivered} W"
        if abs(isp.power_deficiency) > max(ordered - delivered, 0) + 1:
            return f"ISP {index + 1}: PowerDeficiency is above what is missing"
    return ""


def _against_ours(isps: dict[int, Any], order: Order) -> str:
    """Their delivery beside our own settlement of the day."""
    ours = Performance.objects.newest().filter(award=order.award).order_by("-run__version").first()
    if ours is None:
        return "the day is not settled on our side yet"
    for index, isp in isps.items():
        committed, delivered = ours.committed_kw[index] or 0.0, ours.delivered_kw[index] or 0.0
        sign = -1.0 if committed < 0 else 1.0
        ours_w = max(0.0, min(abs(committed), sign * delivered)) * WATTS_PER_KW
        if abs(abs(isp.delivered_flex_power) - ours_w) > max(TOLERANCE_W, TOLERANCE_PU * ours_w):
            return f"ISP {index + 1}: we measured {ours_w:.0f} W delivered"
    return ""
