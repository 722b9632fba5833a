"""Who wants to know what happens to asks and bids: webhooks of the utility, and edges that register themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bidding.models import Ask, Bid
from vpp.jobs import webhooks

ANSWER, EXPIRE = "bidding.answer", "bidding.expire"  # kinds of jobs


@dataclass(frozen=True)
class Notice:
    """One step: `event` is ask.<state> or bid.<state> in lower case."""

    event: str
    ask: Ask
    bid: Bid | None
    at: datetime
    reason: str = ""


#: Called in the transaction of the step, so whoever must act writes a job; registered in an AppConfig.ready.
LISTENERS: list[Callable[[Notice], None]] = []

EVENTS = (
    "ask.asked", "ask.no_bid", "ask.expired", "ask.withdrawn", "ask.committed", "ask.delivered", "ask.reported",
    "ask.superseded", "bid.submitted", "bid.cleared", "bid.rejected", "bid.expired", "bid.withdrawn",
)  # fmt: skip


def tell(notice: Notice) -> None:
    """Hand the step to webhooks and listeners, in the caller's transaction. Of a bid that was never sent the utility
    learns nothing."""
    if notice.event in EVENTS and (notice.bid is None or notice.bid.submitted_at is not None):
        body = {"ask": notice.ask.reference, "revision": notice.ask.revision, "state": notice.ask.state}
        if notice.bid is not None:
            body |= {"bid": notice.bid.pk, "bid_state": notice.bid.state}
        webhooks.publish(
            participant=notice.ask.utility,
            event=notice.event,
            subject=f"{notice.ask.pk}:{notice.bid.pk if notice.bid else ''}",
            data=body | {"reason": notice.reason},
            at=notice.at,
        )
    for listener in LISTENERS:
        listener(notice)
