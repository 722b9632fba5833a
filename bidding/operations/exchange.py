"""Bids out by file, receipts, awards and their cancellations in by file."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction

from bidding.errors import AwardExceedsBid, ReceiptDiffers, UnknownAward, UnknownBid, UnknownBlock
from bidding.models import Award, Bid, Market, Product
from bidding.operations.bids import end_bid, move
from bidding.operations.drafts import day_of

if TYPE_CHECKING:
    from bidding.kernels.exchange import AwardedRow, CancelledRow, OrderRow, Receipt

SENT = (Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED)


def order_rows(bid: Bid) -> list[OrderRow]:
    """One row a block and step; equal neighbours are not merged, so that rows and blocks stay alike."""
    import numpy as np

    from bidding.kernels.exchange import OrderRow
    from bidding.kernels.gate import block_of_interval

    if bid.blocks:
        return _block_rows(bid)
    day = day_of(bid.product, bid.delivery_date)
    blocks = block_of_interval(day, bid.product.block_minutes)
    edges = [*np.unique(blocks, return_index=True)[1].tolist(), day.n_intervals]
    starts = [*day.starts(), day.end]
    found = []
    for block, (first, last) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        if bid.curve is not None:
            sign = -1.0 if bid.product.kind == Product.Kind.RESERVE_DOWN else 1.0
            steps = [(price, sign * quantity) for price, quantity in bid.curve[block]]
        else:
            steps = [(bid.price_per_mwh[first], bid.up_kw[first]), (bid.price_per_mwh[first], -bid.down_kw[first])]
        for price, quantity in steps:
            if quantity or bid.curve is not None:
                side = "SELL" if quantity >= 0 else "BUY"
                found.append(
                    OrderRow(bid.natural_key, bid.product.code, starts[first], starts[last], side, price, abs(quantity))
                )
    return found


def _block_rows(bid: Bid) -> list[OrderRow]:
    """One row a block and run of equal quantity; rows of one block are taken together, of one bid at most one block."""
    from bidding.kernels.exchange import OrderRow

    day = day_of(bid.product, bid.delivery_date)
    moments = [*day.starts(), day.end]
    found = []
    for block in bid.blocks or []:
        sale = float(block["price_per_mwh"])
        for side, series, price in (
            ("SELL", block["up_kw"], sale),
            ("BUY", block["down_kw"], float(block.get("buy_price_per_mwh", sale))),
        ):
            begin = 0
            for t in range(1, len(series) + 1):
                if t < len(series) and series[t] == series[begin]:
                    continue
                if series[begin] > 0:
                    found.append(
                        OrderRow(
                            bid.natural_key, bid.product.code, moments[begin], moments[t], side, price,
                            float(series[begin]), str(block["name"]),
                        )
                    )  # fmt: skip
                begin = t
    return found


def bids_to_send(market: Market, delivery_date: date) -> list[Bid]:
    return list(
        Bid.objects.filter(product__market=market, delivery_date=delivery_date, ask=None, state__in=SENT)
        .select_related("product__market", "portfolio")
        .order_by("natural_key")
    )


@transaction.atomic
def take_receipt(*, market: Market, receipts: list[Receipt], at: datetime, actor: object) -> int:
    """Acknowledge or reject bids by a receipt that counts what was sent, all or none. A repeat changes nothing.

    Raises UnknownBid, ReceiptDiffers (other rows, another checksum).
    """
    from bidding.kernels.exchange import checksum

    for receipt in receipts:
        bid = Bid.objects.filter(product__market=market, natural_key=receipt.bid).select_related("product__market")
        found = bid.first()
        if found is None:
            raise UnknownBid(f"{market} has no bid {receipt.bid!r}", bid=receipt.bid)
        if not receipt.accepted:
            end_bid(found, Bid.State.REJECTED, at=at, actor=actor, reason=receipt.reason)
            continue
        rows = order_rows(found)
        if receipt.rows != len(rows) or receipt.checksum != checksum(rows):
            raise ReceiptDiffers(f"the receipt of {found} is not of what was sent", bid=found.natural_key)
        if found.state == Bid.State.SUBMITTED:
            move(found, Bid.State.ACKNOWLEDGED, at=at, actor=actor, reason="receipt")
    return len(receipts)


def take_awards(*, market: Market, rows: list[AwardedRow], at: datetime, actor: object) -> list[Award | None]:
    """Awards by file, as if posted: all or none. Raises UnknownBid, AwardExceedsBid and what `post_awards` raises."""
    from bidding.wholesale.operations import AwardRow, post_awards

    by_key: dict[str, list[AwardedRow]] = {}
    for row in rows:
        by_key.setdefault(row.bid, []).append(row)
    answers = []
    for key, parts in by_key.items():
        bid = Bid.objects.filter(product__market=market, natural_key=key).select_related("product__market").first()
        if bid is None:
            raise UnknownBid(f"{market} has no bid {key!r}", bid=key)
        answers.append(AwardRow(bid.pk, parts[0].reference, *_awarded(bid, parts), corrects=parts[0].corrects))
    return post_awards(market=market, rows=answers, at=at, actor=actor)


def take_cancellations(*, market: Market, rows: list[CancelledRow], at: datetime, actor: object) -> list[Award]:
    """Cancellations by file, as if posted: all or none. Raises UnknownAward and what `cancel_awards` raises."""
    from bidding.wholesale.operations import CancelRow, cancel_awards

    answers = []
    for row in rows:
        names = (Award.reference_by(market.code, row.award), row.award)  # also from when references stood alone
        award = Award.objects.filter(bid__product__market=market, source_reference__in=names).first()
        if award is None:
            raise UnknownAward(f"{market} has no award {row.award!r}", award=row.award)
        answers.append(CancelRow(award.pk, row.reference, row.reason))
    return cancel_awards(market=market, rows=answers, at=at, actor=actor)


def _awarded(bid: Bid, parts: list[AwardedRow]) -> tuple[list[float], list[float], list[float]]:
    """(H,) up, down and price that the rows come to. Raises UnknownBlock, and AwardExceedsBid for a row that is not
    whole intervals of the bid's day, a second one of its side in an interval, and a second block."""
    day = day_of(bid.product, bid.delivery_date)
    up_kw, down_kw, price = ([0.0] * day.n_intervals for _ in range(3))
    index_of = {moment: index for index, moment in enumerate([*day.starts(), day.end])}
    taken: set[tuple[str, int]] = set()
    if len(names := sorted({part.block for part in parts})) > 1:
        raise AwardExceedsBid(f"of {bid} one block may be taken, not {names}", bid=bid.natural_key)
    for part in parts:
        first, last = index_of.get(part.start), index_of.get(part.end)
        if first is None or last is None:
            span = f"{part.start.isoformat()} to {part.end.isoformat()}"
            raise AwardExceedsBid(f"{bid} is of {day.date}, {span} is not whole intervals of it", bid=part.bid)
        if part.block:
            up_kw, down_kw = _whole_block(bid, part)
        for index in range(first, last):
            if (part.side, index) in taken:
                raise AwardExceedsBid(
                    f"{bid} has two rows of {part.side} for {day.starts()[index].isoformat()}", bid=part.bid
                )
            taken.add((part.side, index))
            if not part.block:
                (up_kw if part.side == "SELL" else down_kw)[index] = part.quantity_kw
            price[index] = part.price
    return up_kw, down_kw, price


def _whole_block(bid: Bid, part: AwardedRow) -> tuple[list[float], list[float]]:
    """What the named block is; the file's quantity must be in it. Raises UnknownBlock."""
    block = next((one for one in bid.blocks or [] if one["name"] == part.block), None)
    side = "up_kw" if part.side == "SELL" else "down_kw"
    if block is None or not any(abs(float(kw) - part.quantity_kw) <= 1e-3 for kw in block[side]):
        raise UnknownBlock(f"{bid} has no block {part.block!r} of {part.quantity_kw} kW", block=part.block)
    return list(map(float, block["up_kw"])), list(map(float, block["down_kw"]))
