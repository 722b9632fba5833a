"""A small closed day to settle: awards, a plan, setpoint-free devices and their readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from bidding.models import Activation, Ask, Award, Bid, FlexContract, Market, Price, Product
from telemetry import operations as telemetry
from telemetry.kernels.batch import batch_of, index_codes
from tests.factories import ALWAYS, ZONE, make_congestion_point, make_participant
from vpp.accounts.models import Participant
from vpp.dispatch.models import Plan, PlanDevice
from vpp.enrollment.models import Device, Portfolio
from vpp.lib.periods import DeliveryDay

SUMMER = date(2016, 7, 14)  # a Thursday
_numbers = count(1)


def make_product(*, kind: str = Product.Kind.ENERGY, code: str = "") -> Product:
    market, _ = Market.objects.get_or_create(
        code="DSO" if kind == Product.Kind.ASK else "DA",
        defaults={
            "name": "market",
            "kind": Market.Kind.DISTRIBUTION if kind == Product.Kind.ASK else Market.Kind.WHOLESALE,
            "zone_code": "DE",
            "time_zone": ZONE,
            "mtu_minutes": 60,
            "gate_local_time": "12:00",
        },
    )
    return Product.objects.create(
        market=market,
        code=code or f"{kind}-{next(_numbers)}",
        name=kind,
        kind=kind,
        min_quantity_kw=1,
        lot_kw=1,
        tick="0.01",
        price_floor=-500,
        price_cap=4000,
        block_minutes=60,
        period=ALWAYS,
    )


def make_bid(
    portfolio: Portfolio,
    *,
    day: date = SUMMER,
    kind: str = Product.Kind.ENERGY,
    up: dict[int, float] | None = None,
    down: dict[int, float] | None = None,
    price: float = 40.0,
    ask: Ask | None = None,
) -> Bid:
    """A submitted bid with kW by interval index."""
    size = DeliveryDay(day, portfolio.time_zone).n_intervals
    up_kw, down_kw = ([float((kw or {}).get(index, 0.0)) for index in range(size)] for kw in (up, down))
    moment = datetime.combine(day, datetime.min.time(), tzinfo=UTC) - timedelta(hours=12)
    return Bid.objects.create(
        natural_key=f"bid-{next(_numbers)}",
        portfolio=portfolio,
        product=make_product(kind=kind),
        ask=ask,
        delivery_date=day,
        state=Bid.State.CLEARED,
        up_kw=up_kw,
        down_kw=down_kw,
        price_per_mwh=[price] * size,
        created_at=moment,
        submitted_at=moment,
    )


def make_award(
    portfolio: Portfolio,
    *,
    day: date = SUMMER,
    kind: str = Product.Kind.ENERGY,
    up: dict[int, float] | None = None,
    down: dict[int, float] | None = None,
    price: float = 40.0,
    ask: Ask | None = None,
    awarded_at: datetime | None = None,
) -> Award:
    """An award of a whole bid."""
    bid = make_bid(portfolio, day=day, kind=kind, up=up, down=down, price=price, ask=ask)
    return Award.objects.create(
        bid=bid,
        up_kw=bid.up_kw,
        down_kw=bid.down_kw,
        price_per_mwh=bid.price_per_mwh,
        source_reference=f"award-{next(_numbers)}",
        awarded_at=awarded_at or bid.created_at,
    )


def make_ask(
    utility: Participant, *, day: date = SUMMER, up: dict[int, float], contract_id: str = "", **fields_of_ask: Any
) -> Ask:
    point = make_congestion_point(utility=utility, limit_kw=400.0)
    contract = None
    if contract_id:
        contract = FlexContract.objects.create(
            contract_id=contract_id, utility=utility, congestion_point=point, direction="UP", power_kw=100,
            price_per_mwh=200, first_date=date(2016, 1, 1),
        )  # fmt: skip
    moment = datetime(2016, 7, 13, 8, tzinfo=UTC)
    size = DeliveryDay(day, ZONE).n_intervals
    return Ask.objects.create(
        contract=contract,
        reference=f"ask-{next(_numbers)}",
        utility=utility,
        congestion_point=point,
        direction="UP",
        delivery_date=day,
        time_zone=ZONE,
        interval_minutes=15,
        quantity_kw=[float(up.get(index, 0.0)) for index in range(size)],
        ceiling_price_per_mwh=200.0,
        state=Ask.State.COMMITTED,
        gate_at=moment,
        expires_at=moment + timedelta(hours=2),
        created_at=moment - timedelta(hours=1),
        **fields_of_ask,
    )


def make_plan(
    portfolio: Portfolio,
    targets: dict[Device, dict[int, float]],
    *,
    day: date = SUMMER,
    baselines: dict[Device, float] | None = None,
) -> Plan:
    """A plan that moves devices to targets (kW by interval) from a constant baseline (0 if not given)."""
    delivery = DeliveryDay(day, portfolio.time_zone)
    size = delivery.n_intervals
    zeros = [0.0] * size
    plan = Plan.objects.create(
        portfolio=portfolio,
        delivery_date=day,
        baseline_kw=zeros,
        committed_up_kw=zeros,
        target_kw=zeros,
        residual_kw=zeros,
        least_stored_kwh=zeros,
        most_stored_kwh=zeros,
        state=Plan.State.OK,
        created_at=delivery.start - timedelta(hours=4),
    )
    for device, moves in targets.items():
        base = (baselines or {}).get(device, 0.0)
        target = [float(moves.get(index, base)) for index in range(size)]
        PlanDevice.objects.create(plan=plan, device=device, baseline_kw=[base] * size, target_kw=target)
    return plan


def meter(
    device: Device, day: date, power_kw: float | np.ndarray, *, at: datetime | None = None, correction: bool = False
) -> None:
    """Readings of a device for a whole local day; NaN where it said nothing."""
    delivery = DeliveryDay(day, ZONE)
    values = np.broadcast_to(np.asarray(power_kw, dtype=np.float64), (delivery.n_intervals,))
    known = ~np.isnan(values)
    codes, index = index_codes([device.code] * int(known.sum()))
    batch = batch_of(
        codes=codes,
        device=index,
        time_us=delivery.starts64()[known].astype("datetime64[us]").astype(np.int64),
        power_kw=values[known],
        correction=correction,
    )
    answer = telemetry.ingest(batch, at=at or delivery.end, principal=None, max_age_days=None)
    assert not answer.refused, answer.refused


def at_intervals(moves: dict[int, float], *, day: date = SUMMER, elsewhere: float = 0.0) -> np.ndarray:
    """(H,) kW with some intervals different."""
    power = np.full(DeliveryDay(day, ZONE).n_intervals, elsewhere)
    for index, value in moves.items():
        power[index] = value
    return power


def make_price(product: Product, start: datetime, price: float, *, known_at: datetime) -> Price:
    return Price.objects.create(
        product=product, interval_start=start, price=price, source="test", available_at=known_at
    )


def activate(award: Award, start: datetime, share: float) -> Activation:
    return Activation.objects.create(award=award, interval_start=start, activated_pu=share, received_at=start)


def after(day: date) -> datetime:
    """A moment after the local day has ended and its readings are in."""
    return DeliveryDay(day, ZONE).end + timedelta(hours=3)


def utility() -> Participant:
    return make_participant(kind=Participant.Kind.UTILITY)
