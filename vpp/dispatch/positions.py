"""What a portfolio owes on a delivery day (awards, called reserves, reactive power), and its expected baselines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from bidding import queries as bids
from bidding.distribution.reactive import reactive_commitments
from bidding.models import Activation, Award, Product
from vpp.lib.periods import DeliveryDay

Floats = NDArray[np.float64]

RESERVE_KINDS = ("RESERVE_UP", "RESERVE_DOWN")


@dataclass(frozen=True)
class Position:
    """One portfolio and delivery day; arrays (H,) in kW, up positive.

    committed_up_kw : net of energy awards, commits on asks, and reserves as far as they were called.
    held_up_kwh, held_down_kwh : grid-side energy that held reserves may still call for in each interval.
    award_up_kw : (A, H) what each award of award_ids adds to committed_up_kw. from_ask: (A,) commits on asks.
    products : of each award.
    ordered_kvar : reactive power ordered of the inverters on each feeder, by its code; (H,) kvar, injection positive.
    """

    award_ids: tuple[int, ...]
    committed_up_kw: Floats
    held_up_kwh: Floats
    held_down_kwh: Floats
    award_up_kw: Floats
    from_ask: NDArray[np.bool_]
    products: tuple[Product, ...] = ()
    ordered_kvar: dict[str, Floats] = field(default_factory=dict)


def position_of(portfolio_id: int, day: DeliveryDay) -> Position:
    """Everything awarded and called so far, and not cancelled."""
    net, up_kwh, down_kwh = np.zeros(day.n_intervals), np.zeros(day.n_intervals), np.zeros(day.n_intervals)
    commitments = bids.commitments(portfolio_id, day.date)
    products = Product.objects.in_bulk([one.product_id for one in commitments])
    endurance_h = {pk: product.endurance_minutes / 60.0 for pk, product in products.items()}
    per_award = np.zeros((len(commitments), day.n_intervals))
    for number, one in enumerate(commitments):
        signed_kw = one.up_kw - one.down_kw
        per_award[number] = signed_kw
        if one.product_kind not in RESERVE_KINDS:
            net += signed_kw
            continue
        called_pu = bids.activated_pu(one.award_id, day)
        per_award[number] = signed_kw * called_pu
        net += signed_kw * called_pu
        up_kwh += one.up_kw * (1.0 - called_pu) * endurance_h[one.product_id]
        down_kwh += one.down_kw * (1.0 - called_pu) * endurance_h[one.product_id]
    from_ask = np.array([one.ask_id is not None for one in commitments], dtype=bool)
    return Position(
        award_ids=tuple(one.award_id for one in commitments),
        committed_up_kw=net,
        held_up_kwh=up_kwh,
        held_down_kwh=down_kwh,
        award_up_kw=per_award,
        from_ask=from_ask,
        products=tuple(products[one.product_id] for one in commitments),
        ordered_kvar=_ordered_kvar(portfolio_id, day),
    )


def _ordered_kvar(portfolio_id: int, day: DeliveryDay) -> dict[str, Floats]:
    """The net of all orders by feeder."""
    net: dict[str, Floats] = {}
    for one in reactive_commitments(portfolio_id, day.date):
        net[one.feeder_code] = net.get(one.feeder_code, np.zeros(day.n_intervals)) + one.kvar
    return net


_Said = tuple[object, ...]
_kept: dict[tuple[int, date], tuple[_Said, Position]] = {}
KEPT = 1000


def positions_of(portfolio_ids: Sequence[int], day: DeliveryDay) -> dict[int, Position]:
    """As position_of for many portfolios: built again only where an award or a call has come since, or an award was
    cancelled (rows never change, so the keys of those that stand say whether)."""
    said = _said(portfolio_ids, day)
    positions = {}
    for portfolio_id in portfolio_ids:
        key = (portfolio_id, day.date)
        kept = _kept.pop(key, None)
        if kept is None or kept[0] != said[portfolio_id]:
            kept = (said[portfolio_id], position_of(portfolio_id, day))
        positions[portfolio_id] = kept[1]
        _kept[key] = kept
    while len(_kept) > KEPT:
        _kept.pop(next(iter(_kept)), None)
    return positions


def _said(portfolio_ids: Sequence[int], day: DeliveryDay) -> dict[int, _Said]:
    """Awards of the day and calls on them, per portfolio."""
    heard: dict[int, list[object]] = defaultdict(list)
    awards = Award.objects.standing().filter(bid__portfolio_id__in=portfolio_ids, bid__delivery_date=day.date)
    holder = dict(awards.order_by("pk").values_list("pk", "bid__portfolio_id"))
    for award_id, portfolio_id in holder.items():
        heard[portfolio_id].append(award_id)
    calls = Activation.objects.filter(
        award_id__in=list(holder), interval_start__gte=day.start, interval_start__lt=day.end
    ).order_by("pk")
    for pk, award_id, pu in calls.values_list("pk", "award_id", "activated_pu"):
        heard[holder[award_id]].append((pk, pu))
    return {portfolio_id: tuple(heard[portfolio_id]) for portfolio_id in portfolio_ids}


@dataclass(frozen=True)
class Baselines:
    """Expected undispatched power (N, H) of the devices asked for, and the forecast it is from, if there is one."""

    power_kw: Floats
    run_id: int | None


def baselines_of(
    portfolio_id: int, delivery_date: date, device_ids: NDArray[np.int64], n_intervals: int, at: datetime
) -> Baselines:
    """From the latest forecast known at `at`; a device it does not cover counts as idle."""
    from forecasting import queries as forecasts

    power_kw = np.zeros((device_ids.size, n_intervals))
    run = forecasts.latest_run(portfolio_id, delivery_date, at)
    if run is None:
        return Baselines(power_kw, None)
    known_ids, known_kw = forecasts.device_baselines_kw(run)
    order = np.argsort(known_ids)
    place = np.clip(np.searchsorted(known_ids[order], device_ids), 0, max(known_ids.size - 1, 0))
    covered = known_ids[order][place] == device_ids if known_ids.size else np.zeros(device_ids.size, dtype=bool)
    power_kw[covered] = known_kw[order][place[covered]]
    return Baselines(power_kw, run.pk)
