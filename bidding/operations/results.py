"""Results that a market takes back or puts others in the place of.

An award is never changed: a cancellation is a fact of its own, with its moment, reference and reason. What the award
claimed is then free, the plans of dispatch and the settlement know nothing of it any more, and the next award of the
bid claims anew. Intervals that have begun were delivered under the award, so it cannot be taken back there.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from bidding.errors import AwardCancelled, AwardDiffers, IntervalBegun, UnknownAward, WrongState
from bidding.models import Activation, Award, AwardCancellation, Bid
from bidding.models.awards import in_own_words
from bidding.operations import book, replan_jobs
from bidding.operations.bids import move
from bidding.operations.drafts import day_of
from vpp.accounts.operations import audit
from vpp.lib.periods import DeliveryDay

Content = tuple[list[float], list[float], list[float]]  # up kW, down kW and price per MWh, (H,) each
HAD_ONE = (Bid.State.CANCELLED, Bid.State.NOT_CLEARED)  # the bid's kilowatts are free, and a new result claims anew


@transaction.atomic
def cancel_award(award: Award, *, reference: str, reason: str, at: datetime, actor: object) -> AwardCancellation:
    """The market takes an award back; its kilowatts are free again and nothing is paid. A repeat gets the first.

    Raises WrongState for a utility's commit, AwardCancelled (under another reference), IntervalBegun.
    """
    bid = award.bid
    if bid.ask_id is not None:
        raise WrongState(f"{bid} answers an ask: its commit binds both sides", award=award.pk)
    book.lock_portfolio(bid.portfolio_id)
    first = AwardCancellation.objects.filter(award=award).first()
    if first is not None:
        if first.source_reference != reference:
            raise _was_cancelled(first)
        return first
    bid.refresh_from_db()
    _check_begun(bid, _content(award), _nothing(bid), at)
    made = _cancel(award, bid, reference, reason, at, actor)
    replan_jobs.after_award(bid, None, at=at, what=f"{award} was cancelled")
    return made


def take_back(bid: Bid, content: Content, *, reference: str, corrects: str, at: datetime, actor: object) -> None:
    """Make room for another result: an award that stands is cancelled. Portfolio locked.

    Raises UnknownAward or AwardDiffers (`corrects` is not what the bid's last result was called), IntervalBegun.
    """
    standing = bid.award
    _check_corrects(bid, corrects)
    _check_begun(bid, _nothing(bid) if standing is None else _content(standing), content, at)
    if standing is not None:
        _cancel(standing, bid, reference, f"corrected by {in_own_words(reference)}", at, actor)


def check_not_cancelled(bid: Bid, reference: str) -> None:
    """Raises AwardCancelled where the result came in before and was cancelled since: it does not come to life again."""
    for award in Award.objects.filter(bid=bid, cancellation__isnull=False).select_related("cancellation"):
        if award.is_repeated_by(reference):
            raise _was_cancelled(award.cancellation)


def check_stands(award: Award) -> None:
    """Raises AwardCancelled."""
    if (cancellation := AwardCancellation.objects.filter(award=award).first()) is not None:
        raise _was_cancelled(cancellation)


def cancelled_last(bid: Bid) -> Award | None:
    return Award.objects.filter(bid=bid, cancellation__isnull=False).order_by("-pk").first()


def hand_over_calls(before: Award, award: Award, day: DeliveryDay) -> None:
    """Calls on a reserve count for the award that holds it now."""
    for call in Activation.objects.filter(award=before).order_by("pk"):
        index = day.index_of(call.interval_start)
        if award.up_kw[index] > 0 or award.down_kw[index] > 0:
            Activation.objects.create(
                award=award,
                interval_start=call.interval_start,
                activated_pu=call.activated_pu,
                received_at=call.received_at,
            )


def _cancel(award: Award, bid: Bid, reference: str, reason: str, at: datetime, actor: object) -> AwardCancellation:
    made = AwardCancellation.objects.create(award=award, source_reference=reference, reason=reason, cancelled_at=at)
    bid.award = None
    move(bid, Bid.State.CANCELLED, at=at, actor=actor, reason=f"{reference} {reason}".strip())
    book.release_award(bid=bid)
    audit(
        at=at,
        actor=actor,
        action="award.cancelled",
        subject=award,
        before={"up_kw": award.up_kw, "down_kw": award.down_kw, "price_per_mwh": award.price_per_mwh},
        after={"cancellation": reference},
        reason=reason,
    )
    return made


def _check_corrects(bid: Bid, corrects: str) -> None:
    if not corrects:
        if bid.state == Bid.State.NOT_CLEARED:
            raise WrongState(f"{bid} was not cleared; a corrected result names that one", bid=bid.natural_key)
        return
    last = bid.award or cancelled_last(bid)
    known = [] if last is None else [last.source_reference]
    if bid.state == Bid.State.NOT_CLEARED:
        known.append(bid.events.filter(state=Bid.State.NOT_CLEARED).latest("pk").reason)
    if not known:
        raise UnknownAward(f"{bid} has no result {in_own_words(corrects)!r}", bid=bid.pk)
    if corrects not in known and in_own_words(corrects) not in known:
        raise AwardDiffers(
            f"the last result of {bid} is {in_own_words(known[-1])!r}", reference=in_own_words(known[-1])
        )


def _check_begun(bid: Bid, before: Content, after: Content, at: datetime) -> None:
    """Raises IntervalBegun where an interval that has begun would not stay as it is; price counts with a quantity."""
    starts = day_of(bid.product, bid.delivery_date).starts()
    begun = sum(start <= at for start in starts)

    def told(content: Content, index: int) -> tuple[float, float, float]:
        up, down, price = (series[index] for series in content)
        return up, down, price if up or down else 0.0

    changed = [index for index in range(begun) if told(before, index) != told(after, index)]
    if changed:
        first = f"{starts[changed[0]]:%Y-%m-%dT%H:%MZ}"
        raise IntervalBegun(
            f"{len(changed)} intervals from {first} on have begun and stay as they were awarded; a corrected result "
            f"repeats them and says what is to come",
            intervals=len(changed),
            first=starts[changed[0]].isoformat(),
            open_from=starts[begun].isoformat() if begun < len(starts) else None,
        )


def _content(award: Award) -> Content:
    return award.up_kw, award.down_kw, award.price_per_mwh


def _nothing(bid: Bid) -> Content:
    zero = [0.0] * len(bid.up_kw)
    return zero, zero, zero


def _was_cancelled(cancellation: AwardCancellation) -> AwardCancelled:
    award = cancellation.award
    return AwardCancelled(
        f"award {award.own_reference!r} was cancelled at {cancellation.cancelled_at.isoformat()}, as "
        f"{cancellation.own_reference!r}",
        award=award.pk,
        reference=cancellation.own_reference,
        cancelled_at=cancellation.cancelled_at.isoformat(),
    )
