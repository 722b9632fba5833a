"""FlexReservationUpdate: less of a contract is kept reserved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bidding.distribution.contracts import contract_of, update_reservation
from bidding.distribution.venues import distribution_market
from bidding.models import Direction
from vpp.lib.names import within
from vpp.uftp import refusals
from vpp.uftp.isps import WATTS_PER_KW, check_not_past, date_of, day_of_message, expand
from vpp.uftp.models import InMessage
from vpp.uftp.refusals import Rejected


def take(row: InMessage, message: Any, at: datetime) -> None:
    """Lower the reservation of the day; a rise or the other direction is refused as a whole."""
    contract = contract_of(row.counterparty.participant, message.contract_id, date_of(message.period))
    if contract.congestion_point.code != message.congestion_point:
        raise Rejected(refusals.CONGESTION_POINT)
    day = day_of_message(message, distribution_market(contract.congestion_point.feeder.code))
    check_not_past(day, at)
    isps = expand(message.isps, day)
    sign = -1 if contract.direction == Direction.UP else 1
    wanted_kw: list[float | None] = [None] * day.n_intervals
    for index, isp in isps.items():
        wanted_kw[index] = sign * isp.power / WATTS_PER_KW
    update_reservation(
        contract=contract, day=day, wanted_kw=wanted_kw, reference=within(message.reference, 120), at=at,
        actor=str(row.counterparty),
    )  # fmt: skip
