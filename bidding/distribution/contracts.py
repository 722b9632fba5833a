"""Standing contracts: what stays reserved on a day, and orders under a contract without an ask before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from bidding.distribution.ask_states import move_ask
from bidding.distribution.asks import AskContent, receive_ask
from bidding.distribution.contract_use import energy_left_kwh, orderable_kw, reserved_kw
from bidding.distribution.offering import make_options
from bidding.distribution.ordering import accept_bid
from bidding.errors import BadReservation, PriceDiffers, SoldTwice, UnknownContract
from bidding.models import Ask, Award, Bid, Direction, FlexContract, Product, Reservation
from bidding.operations import bids, book
from bidding.operations.drafts import STEP_MINUTES, BidDraft
from vpp.accounts.models import Participant
from vpp.accounts.operations import audit
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import portfolios_behind
from vpp.lib.periods import DeliveryDay
from vpp.lib.units import KW_PER_MW

PRICE_TOLERANCE_PER_MWH = 0.005


def contract_of(utility: Participant, contract_id: str, day: date) -> FlexContract:
    """The utility's contract in force on the day. Raises UnknownContract."""
    found = FlexContract.objects.filter(utility=utility, contract_id=contract_id).active_on(day)
    contract = found.select_related("congestion_point__feeder").first()
    if contract is None:
        raise UnknownContract(f"there is no contract {contract_id!r} on {day}", contract_id=contract_id)
    return contract


@transaction.atomic
def update_reservation(
    *,
    contract: FlexContract,
    day: DeliveryDay,
    wanted_kw: Sequence[float | None],
    reference: str,
    at: datetime,
    actor: object,
) -> Reservation:
    """Lower what is reserved; (H,) kW still wanted, None where nothing changes. Raises BadReservation for a rise."""
    FlexContract.objects.select_for_update(no_key=True).get(pk=contract.pk)
    before = reserved_kw(contract, day)
    after = [had if want is None else float(want) for had, want in zip(before, wanted_kw, strict=True)]
    for index, (had, want) in enumerate(zip(before, after, strict=True)):
        if not 0 <= want <= had + 1e-6:
            raise BadReservation(
                f"interval {index}: {want} kW, but {had} kW are reserved and can only be lowered", interval=index
            )
    row, _ = Reservation.objects.update_or_create(
        contract=contract,
        delivery_date=day.date,
        defaults={"reserved_kw": after, "reference": reference, "updated_at": at},
    )
    audit(
        at=at, actor=actor, action="reservation.lowered", subject=contract, reason=reference,
        before={"kw": max(before)}, after={"kw": max(after)},
    )  # fmt: skip
    return row


@transaction.atomic
def order_directly(
    *,
    contract: FlexContract,
    day: DeliveryDay,
    quantity_kw: Sequence[float],
    price: float,
    reference: str,
    at: datetime,
    actor: object,
    channel: str = "REST",
) -> Award:
    """An order under a contract that needs no ask: ask, bid and award are made in one go, or nothing is.

    quantity_kw (H,) in the contract's direction; price: EUR of the whole order. Raises PriceDiffers, BadReservation for
    more power or energy than is reserved and not ordered yet, SoldTwice where no portfolio has it free, and what
    `receive_ask` raises.
    """
    FlexContract.objects.select_for_update(no_key=True).get(pk=contract.pk)  # one order after the other
    energy_mwh = sum(quantity_kw) * day.hours_per_interval / KW_PER_MW
    if abs(price - energy_mwh * contract.price_per_mwh) > PRICE_TOLERANCE_PER_MWH * max(energy_mwh, 1.0):
        raise PriceDiffers(f"the contract's price is {energy_mwh * contract.price_per_mwh:.4f}, not {price}")
    for index, (want, had) in enumerate(zip(quantity_kw, orderable_kw(contract, day), strict=True)):
        if want > had + 1e-6:
            raise BadReservation(f"interval {index}: {want} kW ordered, {had:g} kW are left", interval=index)
    left_kwh = energy_left_kwh(contract, day)
    if energy_mwh * KW_PER_MW > left_kwh + 1e-6:
        raise BadReservation(f"{energy_mwh * KW_PER_MW:g} kWh ordered, {left_kwh:g} kWh are left of the day's energy")
    first = day.starts()[next((i for i, value in enumerate(quantity_kw) if value > 0), 0)]
    content = AskContent(
        reference=reference,
        congestion_point=contract.congestion_point.code,
        direction=contract.direction,
        delivery_date=day.date,
        interval_minutes=STEP_MINUTES,
        quantity_kw=list(quantity_kw),
        ceiling_price_per_mwh=contract.price_per_mwh,
        gate_at=first - timedelta(seconds=1),
        expires_at=first,
        service_kind=contract.service_kind,
        contract=contract,
        channel=channel,
    )
    ask, _ = receive_ask(utility=contract.utility, content=content, at=at, actor=actor)
    bid = _bid_under(contract, ask, day, at)
    move_ask(ask, Ask.State.BID, at=at, actor=actor)
    return accept_bid(bid=bid, at=at, actor=actor, reference=f"direct:{contract.utility_id}:{reference}")


def _bid_under(contract: FlexContract, ask: Ask, day: DeliveryDay, at: datetime) -> Bid:
    """The first portfolio behind the congestion point that has it free. Raises SoldTwice."""
    from bidding.wholesale.queries import ask_product

    for portfolio in portfolios_behind(contract.congestion_point.feeder.code, at):
        product = ask_product(portfolio.zone_code, day.date)
        if product is None:
            continue
        _open_book(portfolio, product, day, at)
        zero = [0.0] * day.n_intervals
        up_kw, down_kw = (ask.quantity_kw, zero) if ask.direction == Direction.UP else (zero, ask.quantity_kw)
        draft = BidDraft(
            portfolio, product, day, up_kw, down_kw, [contract.price_per_mwh] * day.n_intervals, ask=ask,
            version=bids.next_version(portfolio, ask),
        )  # fmt: skip
        try:
            with transaction.atomic():
                bid = bids.create_bid(draft, at=at)
                make_options(bid)
                return bids.submit_bid(bid, at=at)
        except SoldTwice:
            continue
    raise SoldTwice(f"nothing is free for {ask} behind {contract.congestion_point}", reference=ask.reference)


def _open_book(portfolio: Portfolio, product: Product, day: DeliveryDay, at: datetime) -> None:
    """What the portfolio can move that day, if nobody has opened its book yet."""
    from bidding.models import BookCell
    from bidding.operations.gather import gather

    if BookCell.objects.filter(portfolio=portfolio, interval_start=day.start).exists():
        return
    gathered = gather(
        portfolio=portfolio, day=day, products=[], asks={}, ask_lot_kw=product.lot_kw,
        ask_min_kw=product.min_quantity_kw, known_at=at,
    )  # fmt: skip
    book.open_book(portfolio_id=portfolio.pk, day=day, up_kw=gathered.capacity_up_kw, down_kw=gathered.capacity_down_kw)
