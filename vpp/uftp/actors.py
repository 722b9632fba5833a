"""Jobs of UFTP. Sending goes on for an hour with waits that double from two seconds."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from vpp.jobs.handlers import daily, job_handler
from vpp.lib.errors import DomainError
from vpp.uftp.handlers import PROGNOSIS
from vpp.uftp.inbox import PROCESS
from vpp.uftp.outbox import SEND, FinallyRefused
from vpp.uftp.outward import OFFER, REVOKE

DAY_END = "uftp.metering"


@job_handler(PROCESS, queue="uftp", time_limit_s=60, max_attempts=8, first_wait_s=2)
def process(*, at: datetime, message: int) -> dict[str, Any]:
    from vpp.uftp import inbox

    row = inbox.process(message, at=at)
    return {"state": row.state, "reason": row.reason}


@job_handler(SEND, queue="uftp", time_limit_s=60, max_attempts=13, first_wait_s=2, throws=(FinallyRefused,))
def send(*, at: datetime, message: int) -> None:
    from vpp.uftp import outbox

    outbox.send(message)


@job_handler(OFFER, queue="uftp", time_limit_s=60, max_attempts=8, first_wait_s=2, throws=(DomainError,))
def offer(*, at: datetime, bid_id: int) -> None:
    from vpp.uftp import outward

    outward.send_offer(bid_id, at=at)


@job_handler(REVOKE, queue="uftp", time_limit_s=60, max_attempts=12, first_wait_s=2, throws=(DomainError,))
def revoke(*, at: datetime, bid_id: int) -> None:
    """Until the offer is acknowledged it waits."""
    from vpp.uftp import outward

    outward.send_revocation(bid_id, at=at)


@job_handler(PROGNOSIS, queue="uftp", time_limit_s=60, max_attempts=5, throws=(DomainError,))
def prognosis(*, at: datetime, message: int) -> None:
    from vpp.uftp import reports

    reports.prognosis_after_order(message, at=at)


@job_handler(DAY_END, queue="uftp", time_limit_s=300, max_attempts=5, throws=(DomainError,))
def metering(*, at: datetime, delivery_date: str) -> dict[str, Any]:
    """The day before `delivery_date` metered, for every counterparty with EANs."""
    from datetime import date

    from vpp.network.models import CongestionPoint
    from vpp.uftp import reports
    from vpp.uftp.models import Counterparty

    day = date.fromisoformat(delivery_date) - timedelta(days=1)
    sent = [
        str(row.message_id)
        for counterparty in Counterparty.objects.exclude(eans={})
        for point in CongestionPoint.objects.filter(code__in=list(counterparty.eans)).select_related("feeder")
        if (row := reports.send_metering(counterparty, point, day, at=at)) is not None
    ]
    return {"messages": sent}


daily(
    "uftp.metering",
    kind=DAY_END,
    local_time=time(9, 0),
    time_zone="Europe/Amsterdam",
    payload=lambda local_date: {"delivery_date": local_date},
)
