"""From rows to the optimisation's problem: devices, forecast, prices, asks, limits, what is promised already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bidding.distribution.kept_back import asked_hours, kept_back, kept_kw, with_contracts
from bidding.distribution.recovery import within_recovery_rules
from bidding.kernels.aggregate import aggregate
from bidding.kernels.problem import BidProblem
from bidding.models import Ask, Direction, Product
from bidding.operations import book
from bidding.operations.admission import Rules, admission, most_kw, needing_rest
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
from vpp.enrollment.queries import device_table
from vpp.lib.periods import DeliveryDay

FloatArray = NDArray[np.float64]


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
    from bidding.grid.envelopes import within_grid
    from forecasting import queries as forecasts

    notes: list[str] = []
    table = device_table(at=known_at, portfolio_id=portfolio.pk)
    run = forecasts.latest_run(portfolio.pk, day.date, known_at)
    if run is None:
        notes.append("no forecast: only storages are offered")
    admitted = admission(table, [item.product for item in products])
    fleet = fleet_arrays(table, day, run, known_at, notes, admitted)
    groups = within_envelopes(aggregate(fleet, day.hours_per_interval), fleet, run)
    groups = within_grid(groups, table, day, known_at, notes)
    standing = standing or standing_of(portfolio, day, leave_out=leave_out)
    groups = within_notice(groups, table, day, known_at, standing.idle())
    up_kw = sum((group.up_limit_kw for group in groups), start=np.zeros(day.n_intervals))
    down_kw = sum((group.down_limit_kw for group in groups), start=np.zeros(day.n_intervals))
    free_up_kw, free_down_kw = book.free_kw(
        portfolio_id=portfolio.pk, day=day, up_kw=up_kw, down_kw=down_kw, leave_out=leave_out
    )
    feeders = sorted({group.feeder for group in groups})
    kept = kept_back(portfolio, feeders, day, known_at, [ask for ask, _ in asks.values()])
    free_up_kw = np.maximum(free_up_kw - kept_kw(kept, Direction.UP, day.n_intervals), 0.0)
    free_down_kw = np.maximum(free_down_kw - kept_kw(kept, Direction.DOWN, day.n_intervals), 0.0)
    asked_up, asked_down = asked_hours(portfolio, day)
    free_up_kw, free_down_kw = np.where(asked_down, 0.0, free_up_kw), np.where(asked_up, 0.0, free_down_kw)
    for_sale = [item for item in products if item.product.kind != Product.Kind.ENERGY]
    held, reserve_kw = held_reserves(standing, day, for_sale)
    held, reserve_kw = with_contracts(held, reserve_kw, kept)
    energy = next((item for item in products if item.product.kind == Product.Kind.ENERGY), None)
    spread = energy.product.market.imbalance_spread_per_mwh if energy is not None else 40.0

    def rules(item: OpenProduct) -> Rules:
        barred = admitted.barred_groups(item.product.code, groups)
        return Rules(most_kw(item.product, table, notes), barred | needing_rest(item.product, groups))

    problem = BidProblem(
        step_hours=day.hours_per_interval,
        groups=groups,
        energy=None if energy is None else energy_product(energy, rules(energy)),
        reserves=tuple(reserve_product(item, rules(item)) for item in for_sale) + held,
        asks=tuple(
            ask_request(ask, quantity_kw, ask_lot_kw, ask_min_kw)
            for ask, quantity_kw in asks.values()
            if ask.congestion_point.feeder.code in feeders
        ),
        feeders=tuple(feeder_limit(code, day, known_at, notes) for code in feeders if code),
        book_up_kw=free_up_kw,
        book_down_kw=free_down_kw,
        committed_net_up_kw=standing.net_up_kw,
        imbalance_price_eur_per_mwh=(
            np.full(day.n_intervals, 40.0) if energy is None else energy.price[energy.block_of_interval]
        ),
        imbalance_spread_eur_per_mwh=spread,
        committed_reserve_kw=reserve_kw,
    )
    limited = within_recovery_rules(problem, [ask for ask, _ in asks.values()])
    return Gathered(portfolio, limited, run, up_kw, down_kw, notes, None if energy is None else energy.product.pk)
