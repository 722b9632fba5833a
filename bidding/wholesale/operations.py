"""Markets come in as data; prices, awards and activations as the market posts them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from bidding.errors import GatePassed, UnknownAward, UnknownBid, UnknownProduct, WrongState
from bidding.models import Activation, Award, Bid, Market, Price, Product
from bidding.operations.awards import take_award
from bidding.operations.drafts import day_of
from bidding.operations.results import cancel_award, check_stands
from bidding.wholesale.market_file import read_market_file
from vpp.accounts import operations as accounts
from vpp.accounts.models import Participant


@dataclass(frozen=True)
class PriceRow:
    interval_start: datetime
    price: float


@dataclass(frozen=True)
class AwardRow:
    """The market's answer to one bid, (H,) each; all zero means not cleared."""

    bid_id: int
    reference: str
    up_kw: list[float]
    down_kw: list[float]
    price_per_mwh: list[float]
    corrects: str = ""  # reference of the result whose place it takes


@dataclass(frozen=True)
class CancelRow:
    """An award that the market takes back."""

    award_id: int
    reference: str
    reason: str = ""


@transaction.atomic
def import_markets(document: Any, *, at: datetime) -> tuple[int, int]:
    """Markets and products from a market file (docs/bid.md, section 7); existing ones are brought up to date.

    Returns the numbers of markets and products. Raises BadMarketFile with all findings; nothing is stored then.
    """
    rows = read_market_file(document)
    products = 0
    for row in rows:
        operator = row.pop("operator", None)
        product_rows = row.pop("products")
        if operator is not None:
            row["operator"] = accounts.ensure_participant(
                code=operator["code"], name=operator.get("name", operator["code"]), kind=Participant.Kind.MARKET
            )
        market, _ = Market.objects.update_or_create(code=row.pop("code"), defaults=row)
        for product_row in product_rows:
            Product.objects.update_or_create(market=market, code=product_row.pop("code"), defaults=product_row)
            products += 1
        accounts.audit(at=at, actor="service", action="market.imported", subject=market)
    return len(rows), products


@transaction.atomic
def post_prices(
    *, market: Market, product_code: str, rows: Iterable[PriceRow], source: str, available_at: datetime
) -> int:
    """Store published prices. A price equal to the one already known changes nothing. Returns how many were new.

    Raises UnknownProduct.
    """
    product = get_product(market, product_code)
    rows = list(rows)
    starts = [row.interval_start for row in rows]
    known: dict[datetime, float] = {}
    earlier = Price.objects.filter(product=product, interval_start__in=starts).known_at(available_at)
    for start, price in earlier.order_by("available_at", "pk").values_list("interval_start", "price"):
        known[start] = price
    fresh = [
        row for row in {row.interval_start: row for row in rows}.values() if known.get(row.interval_start) != row.price
    ]
    made = Price.objects.bulk_create(
        [
            Price(
                product=product,
                interval_start=row.interval_start,
                price=row.price,
                source=source,
                available_at=available_at,
            )
            for row in fresh
        ],
        ignore_conflicts=True,
    )
    return len(made)


def get_product(market: Market, product_code: str) -> Product:
    product = Product.objects.filter(market=market, code=product_code).first()
    if product is None:
        raise UnknownProduct(f"{market} has no product {product_code!r}", market=market.code, product=product_code)
    return product


@transaction.atomic
def post_awards(*, market: Market, rows: Iterable[AwardRow], at: datetime, actor: object) -> list[Award | None]:
    """The market's results in the order of the bids' ids, all or none of them; None where a bid was not cleared.
    Repeats get the first answer.

    Raises UnknownBid (also for another market's, and one never sent), WrongState, AwardDiffers, AwardExceedsBid; where
    a bid had a result before, also UnknownAward, AwardCancelled, IntervalBegun and SoldTwice.
    """
    rows = list(rows)
    found = Bid.objects.filter(pk__in=[row.bid_id for row in rows], product__market=market, state__in=Bid.SENT_STATES)
    by_id = {bid.pk: bid for bid in found.select_related("product__market", "ask")}
    answers: list[Award | None] = []
    for row in sorted(rows, key=lambda row: row.bid_id):  # one order of locks for everybody
        bid = by_id.get(row.bid_id)
        if bid is None:
            raise UnknownBid(f"{market} has no bid {row.bid_id}", bid=row.bid_id)
        if bid.ask_id is not None:
            raise WrongState(f"{bid} answers an ask; its utility accepts or rejects it", bid=row.bid_id)
        answers.append(
            take_award(
                bid,
                up_kw=row.up_kw,
                down_kw=row.down_kw,
                price_per_mwh=row.price_per_mwh,
                reference=Award.reference_by(market.code, row.reference),
                at=at,
                actor=actor,
                corrects=Award.reference_by(market.code, row.corrects) if row.corrects else "",
            )
        )
    return answers


@transaction.atomic
def cancel_awards(*, market: Market, rows: Iterable[CancelRow], at: datetime, actor: object) -> list[Award]:
    """The market takes awards back, all or none of them. Repeats change nothing.

    Raises UnknownAward (also for another market's), WrongState, AwardCancelled, IntervalBegun.
    """
    asked: dict[int, list[CancelRow]] = {}
    for row in rows:
        asked.setdefault(row.award_id, []).append(row)
    found = Award.objects.filter(pk__in=list(asked), bid__product__market=market)
    awards = list(found.select_related("bid__product__market", "bid__portfolio").order_by("bid_id"))
    if unknown := sorted(asked.keys() - {award.pk for award in awards}):
        raise UnknownAward(f"{market} has no award {unknown[0]}", award=unknown[0])
    for award in awards:
        for row in asked[award.pk]:  # a second row of an award repeats the first or is refused
            reference = Award.reference_by(market.code, row.reference)
            cancel_award(award, reference=reference, reason=row.reason, at=at, actor=actor)
    return awards


@transaction.atomic
def activate(
    *, market: Market, award_id: int, interval_start: datetime, activated_pu: float, at: datetime, actor: object
) -> Activation:
    """A call on an awarded reserve. A repeat gets the first one; another share for the same interval is refused.

    Raises UnknownAward, AwardCancelled, WrongState (not a reserve, or another share before), GatePassed (the interval
    is over).
    """
    award = (
        Award.objects.filter(pk=award_id, bid__product__market=market).select_related("bid__product__market").first()
    )
    if award is None:
        raise UnknownAward(f"{market} has no award {award_id}", award=award_id)
    check_stands(award)
    if award.bid.product.kind not in (Product.Kind.RESERVE_UP, Product.Kind.RESERVE_DOWN):
        raise WrongState(f"award {award} is no reserve", award=award_id)
    day = day_of(award.bid.product, award.bid.delivery_date)
    if not day.start <= interval_start < day.end or interval_start != day.starts()[day.index_of(interval_start)]:
        raise WrongState(f"{interval_start.isoformat()} is no interval of {day.date}", award=award_id)
    first = Activation.objects.filter(award=award, interval_start=interval_start).first()
    if first is not None:
        if first.activated_pu != activated_pu:
            raise WrongState("this interval was activated before, with another share", award=award_id)
        return first
    if at >= interval_start + (day.starts()[1] - day.starts()[0]):
        raise GatePassed("the interval is over", interval_start=interval_start.isoformat())
    activation = Activation.objects.create(
        award=award, interval_start=interval_start, activated_pu=activated_pu, received_at=at
    )
    accounts.audit(
        at=at, actor=actor, action="reserve.activated", subject=activation, after={"activated_pu": activated_pu}
    )
    return activation
