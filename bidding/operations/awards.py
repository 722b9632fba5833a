"""The answer of a market or utility to a bid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from bidding.errors import AwardDiffers, AwardExceedsBid
from bidding.models import Award, Bid
from bidding.models.awards import in_own_words
from bidding.operations import book, replan_jobs
from bidding.operations.bids import move
from bidding.operations.drafts import day_of


@transaction.atomic
def take_award(
    bid: Bid,
    *,
    up_kw: Sequence[float],
    down_kw: Sequence[float],
    price_per_mwh: Sequence[float],
    reference: str,
    at: datetime,
    actor: object,
) -> Award | None:
    """The market's or utility's answer to a bid: full, partial, or None for nothing (the claim is then released).

    A repeat with the same content gets the first award, with other content AwardDiffers; AwardExceedsBid if the answer
    is more than was offered.
    """
    book.lock_portfolio(bid.portfolio_id)
    bid.refresh_from_db()
    content = ([float(v) for v in up_kw], [float(v) for v in down_kw], [float(v) for v in price_per_mwh])
    first = Award.objects.filter(bid=bid).first()
    if first is not None:
        if (first.up_kw, first.down_kw, first.price_per_mwh) != content or not first.is_repeated_by(reference):
            raise AwardDiffers(f"{bid} was awarded before, with other content", reference=first.own_reference)
        return first
    _check_within(bid, *content)
    if not any(content[0]) and not any(content[1]):
        _take_nothing(bid, reference, at, actor)
        return None
    if Award.objects.filter(source_reference=reference).exists():
        raise AwardDiffers(f"the reference {reference!r} belongs to another bid", reference=in_own_words(reference))
    move(bid, Bid.State.CLEARED, at=at, actor=actor, reason=reference)
    award = Award.objects.create(
        bid=bid,
        up_kw=content[0],
        down_kw=content[1],
        price_per_mwh=content[2],
        source_reference=reference,
        awarded_at=at,
    )
    book.award(bid=bid, day=day_of(bid.product, bid.delivery_date), up_kw=content[0], down_kw=content[1])
    replan_jobs.after_award(bid, award, at=at)
    return award


def _take_nothing(bid: Bid, reference: str, at: datetime, actor: object) -> None:
    """Nothing of the bid was taken: its kilowatts are free again. A repeat changes nothing."""
    if bid.state != Bid.State.NOT_CLEARED:
        move(bid, Bid.State.NOT_CLEARED, at=at, actor=actor, reason=reference)
        book.release(bid=bid)
        replan_jobs.after_award(bid, None, at=at)


def _check_within(bid: Bid, up_kw: list[float], down_kw: list[float], price: list[float]) -> None:
    from bidding.kernels.block_check import taken_block

    count = len(bid.up_kw)
    if not len(up_kw) == len(down_kw) == len(price) == count:
        raise AwardExceedsBid(f"the award must have {count} intervals", intervals=count)
    for direction, awarded, offered in (("UP", up_kw, bid.up_kw), ("DOWN", down_kw, bid.down_kw)):
        for interval, (got, had) in enumerate(zip(awarded, offered, strict=True)):
            if got < 0 or got > had + 5e-4:
                raise AwardExceedsBid(
                    f"{got} kW {direction} in interval {interval}, offered were {had}",
                    interval=interval,
                    direction=direction,
                )
    if bid.blocks and (any(up_kw) or any(down_kw)) and taken_block(bid.blocks, up_kw, down_kw) is None:
        raise AwardExceedsBid(f"{bid} is taken block by block, all or none of one; this award is none of them")
