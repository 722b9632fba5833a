"""What an ask must be, before it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bidding.errors import (
    BadAsk,
    BadQuantity,
    GatePassed,
    UnknownServiceKind,
    WrongTimeGrid,
    ZeroQuantity,
)
from bidding.models import Ask, Direction, Market
from bidding.operations.drafts import STEP_MINUTES
from vpp.lib.periods import DeliveryDay

if TYPE_CHECKING:
    from bidding.distribution.asks import AskContent

MOST_KW = 1e7
HIGHEST_PRICE = 1e6
FIRST_YEAR, LAST_YEAR = 2000, 2199


def check_ask(content: AskContent, market: Market, at: datetime) -> None:
    """Raises the first refusal; nothing is stored before."""
    if not FIRST_YEAR <= content.delivery_date.year <= LAST_YEAR:
        raise BadAsk(f"the delivery date must lie from {FIRST_YEAR} to {LAST_YEAR}")
    if not 0 <= content.ceiling_price_per_mwh < HIGHEST_PRICE:
        raise BadAsk(f"the ceiling price must lie from 0 to {HIGHEST_PRICE:.0f} EUR/MWh")
    day = DeliveryDay(content.delivery_date, market.time_zone, STEP_MINUTES)
    _check_grid(content, day)
    if content.direction not in Direction.values:
        raise BadAsk(f"direction {content.direction!r} is neither UP nor DOWN")
    if content.service_kind not in Ask.ServiceKind.values:
        raise UnknownServiceKind(
            f"service kind {content.service_kind!r} is none of {', '.join(Ask.ServiceKind.values)}",
            service_kind=content.service_kind,
        )
    wanted = _wanted(content)
    _check_times(content, day, wanted, at)


def _check_grid(content: AskContent, day: DeliveryDay) -> None:
    series: list[Sequence[object] | None] = [content.quantity_kw, content.quantity_kvar, content.recovery_limit_kw]
    sizes = {len(values) for values in series if values is not None}
    if content.interval_minutes != STEP_MINUTES or sizes != {day.n_intervals}:
        raise WrongTimeGrid(
            f"want {day.n_intervals} intervals of {STEP_MINUTES} min on {content.delivery_date} in {day.zone}",
            intervals=day.n_intervals,
            interval_minutes=STEP_MINUTES,
        )


def _wanted(content: AskContent) -> Sequence[float]:
    """The quantities that count, kW or kvar."""
    if content.power_kind == Ask.PowerKind.REACTIVE:
        if content.quantity_kvar is None or any(content.quantity_kw):
            raise BadAsk("reactive power is asked in quantity_kvar, with quantity_kw all 0")
        wanted = content.quantity_kvar
    elif content.power_kind == Ask.PowerKind.REAL:
        if content.quantity_kvar is not None:
            raise BadAsk("quantity_kvar goes with power_kind REACTIVE only")
        wanted = content.quantity_kw
    else:
        raise BadAsk(f"power kind {content.power_kind!r} is neither REAL nor REACTIVE")
    if any(not 0 <= value < MOST_KW for value in wanted):
        raise BadQuantity(f"quantities are from 0 to below {MOST_KW:.0f}; the direction says which way")
    if any(value is not None and not 0 <= value < MOST_KW for value in content.recovery_limit_kw or ()):
        raise BadQuantity(f"recovery_limit_kw is from 0 to below {MOST_KW:.0f}, null where there is no limit")
    if not any(wanted):
        raise ZeroQuantity("nothing is asked for: every quantity is 0")
    return wanted


def _check_times(content: AskContent, day: DeliveryDay, wanted: Sequence[float], at: datetime) -> None:
    first = next(index for index, value in enumerate(wanted) if value > 0)
    if content.gate_at <= at:
        raise GatePassed(f"the gate closed at {content.gate_at.isoformat()}", gate_at=content.gate_at.isoformat())
    if content.expires_at < content.gate_at:
        raise BadAsk("expires_at is before gate_at")
    if day.starts()[first] <= content.gate_at:
        raise BadAsk("delivery begins before the gate closes")
    if day.starts()[first] < content.expires_at:
        raise BadAsk(
            "expires_at is after delivery begins: a bid could still be ordered when its first interval is over"
        )
