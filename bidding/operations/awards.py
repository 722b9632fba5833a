"""The answer of a market or utility to a bid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from bidding.errors import AwardDiffers, AwardExceedsBid
from bidding.models import Award, Bid
from bidding.models.awards import in_own_words
from bidding.operations import book, replan_jobs, results
from bidding.operations.bids import move
from bidding.operations.drafts import day_of
from bidding.operations.results import Content


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
    corrects: str = "",
) -> Award | None:
    """The market's or utility's answer to a bid: full, partial, or None for nothing (the claim is then released).

    corrects : the reference of the result whose place this one takes; see `results`.

    A repeat with the same content gets the first award, with other content AwardDiffers; AwardExceedsBid if the answer
    is more than was offered. Raises AwardCancelled for a repeat of what was cancelled since; of a bid that had a result
    before also IntervalBegun, and SoldTwice if its kilowatts are promised elsewhere by now.
    """
    book.lock_portfolio(bid.portfolio_id)
    bid.refresh_from_db()
    content: Content = ([float(v) for v in up_kw], [float(v) for v in down_kw], [float(v) for v in price_per_mwh])
    first = bid.award
    if first is not None and (first.is_repeated_by(reference) or not corrects):
        return _repeated(first, content, reference)
    nothing = not any(content[0]) and not any(content[1])
    if nothing and bid.state == Bid.State.NOT_CLEARED:
        return None
    results.check_not_cancelled(bid, reference)
    _check_within(bid, *content)
    if corrects or bid.state in results.HAD_ONE:
        results.take_back(bid, content, reference=reference, corrects=corrects, at=at, actor=actor)
    if nothing:
        _take_nothing(bid, reference, at, actor)
        return None
    return _store(bid, content, reference, at, actor)


def _repeated(first: Award, content: Content, reference: str) -> Award:
    if (first.up_kw, first.down_kw, first.price_per_mwh) != content or not first.is_repeated_by(reference):
        raise AwardDiffers(
            f"{first.bid} was awarded before, with other content; a corrected result has a reference of its own and "
            f"names the one before as what it corrects",
            reference=first.own_reference,
        )
    return first


def _store(bid: Bid, content: Content, reference: str, at: datetime, actor: object) -> Award:
    if Award.objects.filter(source_reference=reference).exists():
        raise AwardDiffers(f"the reference {reference!r} belongs to another bid", reference=in_own_words(reference))
    up_kw, down_kw, price = content
    before = results.cancelled_last(bid)
    anew = bid.state in results.HAD_ONE
    award = Award.objects.create(
        bid=bid,
        up_kw=up_kw,
        down_kw=down_kw,
        price_per_mwh=price,
        source_reference=reference,
        awarded_at=at,
        corrects=before,
    )
    bid.award = award
    move(bid, Bid.State.CLEARED, at=at, actor=actor, reason=reference)
    day = day_of(bid.product, bid.delivery_date)
    (book.claim_anew if anew else book.award)(bid=bid, day=day, up_kw=up_kw, down_kw=down_kw)
    if before is not None:
        results.hand_over_calls(before, award, day)
    replan_jobs.after_award(bid, award, at=at)
    return award


def _take_nothing(bid: Bid, reference: str, at: datetime, actor: object) -> None:
    """Nothing of the bid was taken: its kilowatts are free again."""
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
