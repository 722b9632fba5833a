"""The commitment book: capacity opened, kilowatts claimed, awarded and released, under one lock per portfolio.

The database keeps the promise (CHECK promised <= capacity, kept by a trigger); the lock only makes the refusals
orderly.
What writes runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from numpy.typing import NDArray

from bidding.errors import SoldTwice
from bidding.models import Bid, BookCell, BookEntry, Direction
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay

WATT = Decimal("0.001")

OPEN_CELLS = """
INSERT INTO bidding_bookcell (portfolio_id, interval_start, direction, capacity_kw, promised_kw)
SELECT %s, cell.start, cell.direction, cell.capacity, 0
FROM unnest(%s::timestamptz[], %s::text[], %s::numeric[]) AS cell (start, direction, capacity)
ON CONFLICT (portfolio_id, interval_start, direction)
DO UPDATE SET capacity_kw = greatest(excluded.capacity_kw, bidding_bookcell.promised_kw)
"""


@dataclass(frozen=True)
class OverPromised:
    """A cell whose capacity shrank below what is already promised; the promise stands and the gap is reported."""

    interval: int
    direction: str
    promised_kw: float
    capacity_kw: float

    def __str__(self) -> str:
        return (
            f"{self.promised_kw} kW {self.direction} are promised in interval {self.interval}, "
            f"the fleet has {self.capacity_kw:.1f} kW left"
        )


def lock_portfolio(portfolio_id: int) -> Portfolio:
    """Hold the portfolio's book until the transaction ends."""
    return Portfolio.objects.select_for_update(no_key=True).get(pk=portfolio_id)


def kw(quantity: float) -> Decimal:
    """Whole watts."""
    return Decimal(repr(round(float(quantity), 3))).quantize(WATT)


@transaction.atomic
def open_book(
    *, portfolio_id: int, day: DeliveryDay, up_kw: NDArray[np.float64], down_kw: NDArray[np.float64]
) -> list[OverPromised]:
    """Set the day's capacity, (H,) per direction. What is already promised is kept; where it no longer fits, say so."""
    lock_portfolio(portfolio_id)
    starts = day.starts()
    capacity = {Direction.UP: up_kw, Direction.DOWN: down_kw}
    promised = promised_kw(portfolio_id=portfolio_id, day=day)
    rows = [
        (start, direction.value, Decimal(repr(float(value))).quantize(WATT, rounding=ROUND_FLOOR))
        for direction, values in capacity.items()
        for start, value in zip(starts, values, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(OPEN_CELLS, [portfolio_id, *(list(column) for column in zip(*rows, strict=True))])
    return [
        OverPromised(int(index), direction.value, float(promised[direction][index]), float(values[index]))
        for direction, values in capacity.items()
        for index in np.flatnonzero(promised[direction] > values + 1e-3)
    ]


def promised_kw(*, portfolio_id: int, day: DeliveryDay) -> dict[Direction, NDArray[np.float64]]:
    """(H,) promised per direction, as the database sums it."""
    promised = {direction: np.zeros(day.n_intervals) for direction in Direction}
    cells = BookCell.objects.filter(
        portfolio_id=portfolio_id, interval_start__gte=day.start, interval_start__lt=day.end
    ).exclude(promised_kw=0)
    for start, direction, value in cells.values_list("interval_start", "direction", "promised_kw"):
        promised[Direction(direction)][day.index_of(start)] = float(value)
    return promised


@transaction.atomic
def reserve(*, bid: Bid, day: DeliveryDay) -> None:
    """Claim the bid's kilowatts. Raises SoldTwice, and claims nothing, if any interval has too little left."""
    lock_portfolio(bid.portfolio_id)
    _claim(bid, _entries(bid, day, bid.up_kw, bid.down_kw))


@transaction.atomic
def claim_anew(*, bid: Bid, day: DeliveryDay, up_kw: Sequence[float], down_kw: Sequence[float]) -> None:
    """Commit what is awarded of a bid whose claim was given back before. Raises SoldTwice."""
    lock_portfolio(bid.portfolio_id)
    before = BookEntry.objects.filter(bid=bid).aggregate(Max("claim"))["claim__max"] or 0
    entries = _entries(bid, day, up_kw, down_kw)
    for entry in entries:
        entry.state, entry.claim = BookEntry.State.AWARDED, before + 1
    _claim(bid, entries)


def _entries(bid: Bid, day: DeliveryDay, up_kw: Sequence[float], down_kw: Sequence[float]) -> list[BookEntry]:
    return [
        BookEntry(
            portfolio_id=bid.portfolio_id,
            interval_start=start,
            direction=direction,
            bid=bid,
            quantity_kw=kw(quantity),
        )
        for direction, quantities in ((Direction.UP, up_kw), (Direction.DOWN, down_kw))
        for start, quantity in zip(day.starts(), quantities, strict=True)
        if quantity > 0
    ]


def _claim(bid: Bid, entries: list[BookEntry]) -> None:
    try:
        with transaction.atomic():
            BookEntry.objects.bulk_create(entries)
    except IntegrityError as error:
        if "book_never_sold_twice" in str(error) or "has no cell" in str(error):
            raise SoldTwice(f"{bid} wants kilowatts that are promised already", bid=bid.natural_key) from error
        raise


@transaction.atomic
def award(*, bid: Bid, day: DeliveryDay, up_kw: Sequence[float], down_kw: Sequence[float]) -> None:
    """Turn the claim into a commitment of the awarded quantity; what was not awarded is free again."""
    lock_portfolio(bid.portfolio_id)
    awarded = {Direction.UP: up_kw, Direction.DOWN: down_kw}
    entries = list(BookEntry.objects.filter(bid=bid, state=BookEntry.State.OPEN))
    for entry in entries:
        quantity = kw(awarded[Direction(entry.direction)][day.index_of(entry.interval_start)])
        entry.state = BookEntry.State.AWARDED if quantity > 0 else BookEntry.State.RELEASED
        entry.quantity_kw = min(quantity, entry.quantity_kw) if quantity > 0 else entry.quantity_kw
    BookEntry.objects.bulk_update(entries, ["state", "quantity_kw"])


@transaction.atomic
def release(*, bid: Bid) -> int:
    """Give back everything the bid still claims. Returns the number of intervals freed."""
    lock_portfolio(bid.portfolio_id)
    return BookEntry.objects.filter(bid=bid, state=BookEntry.State.OPEN).update(state=BookEntry.State.RELEASED)


@transaction.atomic
def release_award(*, bid: Bid) -> int:
    """Give back what was committed under an award that was cancelled. Returns the number of intervals freed."""
    lock_portfolio(bid.portfolio_id)
    return BookEntry.objects.filter(bid=bid, state=BookEntry.State.AWARDED).update(state=BookEntry.State.RELEASED)


def free_kw(
    *, portfolio_id: int, day: DeliveryDay, up_kw: NDArray[np.float64], down_kw: NDArray[np.float64],
    leave_out: Sequence[int] = (),
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """What of a capacity is not promised yet, (H,) up and down, in whole watts.

    leave_out : bids that may be given up.
    """
    promised = promised_kw(portfolio_id=portfolio_id, day=day)
    given_up = BookEntry.objects.filter(bid__in=leave_out, state=BookEntry.State.OPEN)
    for start, direction, value in given_up.values_list("interval_start", "direction", "quantity_kw"):
        promised[Direction(direction)][day.index_of(start)] -= float(value)

    def left(capacity: NDArray[np.float64], direction: Direction) -> NDArray[np.float64]:
        return np.maximum(np.floor((capacity - promised[direction]) * 1000) / 1000, 0.0)

    return left(up_kw, Direction.UP), left(down_kw, Direction.DOWN)
