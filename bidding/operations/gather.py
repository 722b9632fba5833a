"""From rows to the optimisation's problem: devices, forecast, prices, asks, limits, what is promised already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bidding.distribution.kept_back import Kept, asked_hours, kept_back, kept_kw, with_contracts
from bidding.distribution.recovery import within_recovery_rules
from bidding.kernels.aggregate import aggregate
from bidding.kernels.problem import AskRequest, BidProblem, FlexGroup
from bidding.models import Ask, Direction, Product
from bidding.operations import book
from bidding.operations.admission import Admission, Rules, admission, most_kw, needing_rest
from bidding.operations.fleet import fleet_arrays, within_envelopes, within_notice
from bidding.operations.problem_parts import (
    ask_request,
    energy_product,
    feeder_limit,
    held_reserves,
    reserve_product,
)
from bidding.operations.standing import Standing, standing_of
from bidding.wholesale.queries import OpenProduct
from forecasting.models import ForecastRun
from vpp.enrollment.models import Portfolio
from vpp.enrollment.queries import DeviceTable, device_table
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]
UNKNOWN_PRICE_EUR_PER_MWH = 40.0  # of an imbalance, and its spread, where no energy is for sale


@dataclass(frozen=True)
class Gathered:
    """A problem with what it was made from; `notes` are findings worth reporting (missing forecast, stale readings)."""

    portfolio: Portfolio
    problem: BidProblem
    forecast_run: ForecastRun | None
    capacity_up_kw: FloatArray
    capacity_down_kw: FloatArray
    notes: list[str] = field(default_factory=list)
    energy_product_id: int | None = None


def gather(
    *,
    portfolio: Portfolio,
    day: DeliveryDay,
    products: Sequence[OpenProduct],
    asks: Mapping[int, tuple[Ask, FloatArray]],
    ask_lot_kw: float,
    ask_min_kw: float,
    known_at: datetime,
    standing: Standing | None = None,
    leave_out: Sequence[int] = (),
) -> Gathered:
    """One portfolio's problem as known at `known_at`. `asks`: by id, with the quantity (H,) that is still wanted.

    standing : what counts as promised already; every live bid and award where it is not given.
    leave_out : bids whose kilowatts count as free, because they may be given up.
    """
    notes: list[str] = []
    standing = standing or standing_of(portfolio, day, leave_out=leave_out)
    fleet = _fleet_of(portfolio, day, products, known_at, standing, notes)
    up_kw, down_kw = fleet.room_kw(day.n_intervals)
    feeders = sorted({group.feeder for group in fleet.groups})
    kept = kept_back(portfolio, feeders, day, known_at, [ask for ask, _ in asks.values()])
    free_up_kw, free_down_kw = _for_sale_kw(portfolio, day, up_kw, down_kw, kept, leave_out)
    energy = next((item for item in products if item.product.kind == Product.Kind.ENERGY), None)
    reserves = [item for item in products if item.product.kind != Product.Kind.ENERGY]
    held, reserve_kw = with_contracts(*held_reserves(standing, day, reserves), kept)
    price, spread = _imbalance_price(energy, day)
    problem = BidProblem(
        step_hours=day.hours_per_interval,
        groups=fleet.groups,
        energy=None if energy is None else energy_product(energy, fleet.rules(energy, notes)),
        reserves=tuple(reserve_product(item, fleet.rules(item, notes)) for item in reserves) + held,
        asks=_requests(asks, feeders, ask_lot_kw, ask_min_kw),
        feeders=tuple(feeder_limit(code, day, known_at, notes) for code in feeders if code),
        book_up_kw=free_up_kw,
        book_down_kw=free_down_kw,
        committed_net_up_kw=standing.net_up_kw,
        imbalance_price_eur_per_mwh=price,
        imbalance_spread_eur_per_mwh=spread,
        committed_reserve_kw=reserve_kw,
    )
    limited = within_recovery_rules(problem, [ask for ask, _ in asks.values()])
    energy_id = None if energy is None else energy.product.pk
    return Gathered(portfolio, limited, fleet.run, up_kw, down_kw, notes, energy_id)


@dataclass(frozen=True)
class _Fleet:
    """A portfolio's devices as known at a moment: their forecast, what markets admit of them, how they can move."""

    table: DeviceTable
    run: ForecastRun | None
    admitted: Admission
    groups: tuple[FlexGroup, ...]

    def room_kw(self, n_intervals: int) -> tuple[FloatArray, FloatArray]:
        """(H,) all that the groups can move, up and down."""
        none = np.zeros(n_intervals)
        up_kw = sum((group.up_limit_kw for group in self.groups), start=none)
        return up_kw, sum((group.down_limit_kw for group in self.groups), start=none)

    def rules(self, item: OpenProduct, notes: list[str]) -> Rules:
        """What the market's rules leave of a product for these devices."""
        barred = self.admitted.barred_groups(item.product.code, self.groups)
        return Rules(most_kw(item.product, self.table, notes), barred | needing_rest(item.product, self.groups))


def _fleet_of(
    portfolio: Portfolio,
    day: DeliveryDay,
    products: Sequence[OpenProduct],
    known_at: datetime,
    standing: Standing,
    notes: list[str],
) -> _Fleet:
    """The devices in groups, within the forecast's envelopes, the grid's, and the notice that owners want."""
    from bidding.grid.envelopes import within_grid
    from forecasting import queries as forecasts

    table = device_table(at=known_at, portfolio_id=portfolio.pk)
    run = forecasts.latest_run(portfolio.pk, day.date, known_at)
    if run is None:
        notes.append("no forecast: only storages are offered")
    admitted = admission(table, [item.product for item in products])
    arrays = fleet_arrays(table, day, run, known_at, notes, admitted)
    groups = within_envelopes(aggregate(arrays, day.hours_per_interval), arrays, run)
    groups = within_grid(groups, table, day, known_at, notes)
    return _Fleet(table, run, admitted, within_notice(groups, table, day, known_at, standing.idle()))


def _for_sale_kw(
    portfolio: Portfolio,
    day: DeliveryDay,
    up_kw: FloatArray,
    down_kw: FloatArray,
    kept: Sequence[Kept],
    leave_out: Sequence[int],
) -> tuple[FloatArray, FloatArray]:
    """(H,) of the room up and down what is neither promised nor kept by a contract, and not against an ask's answer."""
    up_kw, down_kw = book.free_kw(portfolio_id=portfolio.pk, day=day, up_kw=up_kw, down_kw=down_kw, leave_out=leave_out)
    up_kw = np.maximum(up_kw - kept_kw(kept, Direction.UP, day.n_intervals), 0.0)
    down_kw = np.maximum(down_kw - kept_kw(kept, Direction.DOWN, day.n_intervals), 0.0)
    asked_up, asked_down = asked_hours(portfolio, day)
    return np.where(asked_down, 0.0, up_kw), np.where(asked_up, 0.0, down_kw)


def _requests(
    asks: Mapping[int, tuple[Ask, FloatArray]], feeders: Sequence[str], lot_kw: float, min_kw: float
) -> tuple[AskRequest, ...]:
    """The asks that devices stand behind."""
    return tuple(
        ask_request(ask, quantity_kw, lot_kw, min_kw)
        for ask, quantity_kw in asks.values()
        if ask.congestion_point.feeder.code in feeders
    )


def _imbalance_price(energy: OpenProduct | None, day: DeliveryDay) -> tuple[FloatArray, float]:
    """(H,) price of an imbalance and what it stands off on either side: around the price of the energy for sale."""
    if energy is None:
        return np.full(day.n_intervals, UNKNOWN_PRICE_EUR_PER_MWH), UNKNOWN_PRICE_EUR_PER_MWH
    return energy.price[energy.block_of_interval], energy.product.market.imbalance_spread_per_mwh
