"""FlexRequest: an ask. Powers are deviations from the baseline in W, consumption positive: negative is our UP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bidding.distribution.asks import AskContent, receive_ask
from bidding.distribution.contract_use import within_contract
from bidding.distribution.contracts import contract_of
from bidding.distribution.venues import distribution_market
from bidding.models import Ask, Direction, FlexContract, Market, Product
from vpp.enrollment.queries import portfolios_behind
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint
from vpp.uftp import refusals
from vpp.uftp.isps import WATTS_PER_KW, check_not_past, day_of_message, expand
from vpp.uftp.models import InMessage, RequestLink
from vpp.uftp.refusals import Rejected

NOTICE = timedelta(minutes=15)  # an order comes at least so long before delivery
UP, DOWN = Direction.UP.value, Direction.DOWN.value


def take(row: InMessage, message: Any, at: datetime) -> None:
    """Store what is wanted as an ask, or as two where some intervals want more and others less consumption."""
    point = own_point(row, message.congestion_point, at)
    market = distribution_market(point.feeder.code)
    day = day_of_message(message, market)
    check_not_past(day, at)
    isps = expand(message.isps, day)
    requested = {index: isp for index, isp in isps.items() if str(isp.disposition or "Requested") == "Requested"}
    _check_powers(isps, requested)
    gate_at = _expiry(message, day, requested, at)
    contract = contract_of(row.counterparty.participant, message.contract_id, day.date) if message.contract_id else None
    first_at = day.starts()[min(requested)]
    for direction in (UP, DOWN):
        quantity_kw, least_kw = _wanted(requested, day, direction)
        if not any(quantity_kw):
            continue
        content = AskContent(
            reference=f"{row.message_id}{'' if direction == _first_direction(requested) else ':2'}",
            revision=1,
            congestion_point=point.code,
            direction=direction,
            delivery_date=day.date,
            interval_minutes=15,
            quantity_kw=_reserved(quantity_kw, contract, day),
            ceiling_price_per_mwh=contract.price_per_mwh if contract else ceiling_per_mwh(market),
            gate_at=gate_at,
            expires_at=max(gate_at, first_at - NOTICE),
            service_kind=_service_kind(message.service_type),
            recovery_limit_kw=_recovery(isps, requested, day, direction),
            contract=contract,
            channel="UFTP",
        )
        ask, _ = receive_ask(utility=row.counterparty.participant, content=content, at=at, actor=str(row.counterparty))
        RequestLink.objects.create(message=row, ask=ask, least_kw=least_kw)


def own_point(row: InMessage, code: str, at: datetime) -> CongestionPoint:
    """The sender's congestion point with devices of ours behind it. Raises Rejected."""
    points = CongestionPoint.objects.filter(code=code, utility=row.counterparty.participant).select_related("feeder")
    point = points.first()
    if point is None or not portfolios_behind(point.feeder.code, at):
        raise Rejected(refusals.CONGESTION_POINT)
    return point


def _check_powers(isps: dict[int, Any], requested: dict[int, Any]) -> None:
    if not requested:
        raise Rejected(f"{refusals.INVALID}: no ISP is requested")
    for isp in isps.values():
        if isp.min_power > isp.max_power:
            raise Rejected(f"{refusals.INVALID}: MinPower is above MaxPower")
    for isp in requested.values():
        if isp.min_power < 0 < isp.max_power:
            raise Rejected(f"{refusals.INVALID}: a requested ISP has one direction")
    if not any(isp.min_power or isp.max_power for isp in requested.values()):
        raise Rejected(f"{refusals.INVALID}: nothing is requested")


def _expiry(message: Any, day: DeliveryDay, requested: dict[int, Any], at: datetime) -> datetime:
    """Until when an offer is wanted: ahead of us and before delivery."""
    try:
        expiry = datetime.fromisoformat(message.expiration_date_time)
    except ValueError:
        raise Rejected(refusals.EXPIRATION) from None
    if not at < expiry < day.starts()[min(requested)]:
        raise Rejected(refusals.EXPIRATION)
    return expiry


def _wanted(requested: dict[int, Any], day: DeliveryDay, direction: str) -> tuple[list[float], list[float]]:
    """(H,) the most and the least that the deviation may be in a direction, kW from 0 up."""
    most, least = [0.0] * day.n_intervals, [0.0] * day.n_intervals
    for index, isp in requested.items():
        low, high = (-isp.max_power, -isp.min_power) if direction == UP else (isp.min_power, isp.max_power)
        if high > 0:
            most[index], least[index] = high / WATTS_PER_KW, max(low, 0) / WATTS_PER_KW
    return most, least


def _first_direction(requested: dict[int, Any]) -> str:
    return UP if any(isp.min_power < 0 for isp in requested.values()) else DOWN


def _recovery(
    isps: dict[int, Any], requested: dict[int, Any], day: DeliveryDay, direction: str
) -> list[float | None] | None:
    """The space of available ISPs bounds what pays the answer back; where nothing is said there is no limit."""
    limits: list[float | None] = [None] * day.n_intervals
    for index, isp in isps.items():
        if index not in requested:
            room = isp.max_power if direction == UP else -isp.min_power
            limits[index] = max(room, 0) / WATTS_PER_KW
    return limits if any(value is not None for value in limits) else None


def _reserved(quantity_kw: list[float], contract: FlexContract | None, day: DeliveryDay) -> list[float]:
    """Under a contract the smaller of reserved and requested is offered."""
    if contract is None:
        return quantity_kw
    return within_contract(contract, day, list(quantity_kw))


def ceiling_per_mwh(market: Market) -> float:
    """A FlexRequest names no price: the market's cap holds."""
    product = Product.objects.filter(market=market, kind=Product.Kind.ASK).order_by("code").first()
    return product.price_cap if product else 10_000.0


def _service_kind(service_type: str | None) -> str:
    if not service_type:
        return Ask.ServiceKind.CONGESTION
    return service_type.upper() if service_type.upper() in Ask.ServiceKind.values else Ask.ServiceKind.OTHER
