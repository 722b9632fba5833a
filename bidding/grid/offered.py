"""What a clearing chooses from: our open bids and other aggregators', as the kernel takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from bidding.grid.injections import FeederDay, inverter_weights, node_weights, open_options
from bidding.models import Bid, BidOption
from vpp.enrollment.queries import device_table
from vpp.lib.errors import DomainError

if TYPE_CHECKING:
    from vpp.network.kernels.clearing.problem import ClearingBid

OURS = "us"
ACTIVATION_STEP_PU = 0.01


class BadForeignBid(DomainError):
    """A bid of another aggregator that cannot be cleared."""

    code = "bad_clearing_bid"


@dataclass(frozen=True)
class ForeignBid:
    """Another aggregator's bid, as the utility tells it. up_kw, up_kvar (H,): at full activation, upward positive (less
    drawn); nodes: node code -> share, the shares summing to 1."""

    reference: str
    aggregator: str
    nodes: dict[str, float]
    up_kw: Sequence[float]
    price_per_mwh: Sequence[float]
    up_kvar: Sequence[float] | None = None
    min_activation_pu: float = 0.0
    one_activation: bool = False
    start_cost: float = 0.0
    energy_limit_kwh: float | None = None
    exclusive_group: str = ""


def our_bids(known: FeederDay, at: datetime) -> list[ClearingBid]:
    rows = []
    for rank, (bid, options) in enumerate(open_options(known.feeder.code, known.day)):
        if bid.ask is None or at >= bid.ask.expires_at:
            continue
        table = device_table(at=at, portfolio_id=bid.portfolio_id)
        for option in options:
            where = node_weights if option.kvar is None else inverter_weights
            nodes, weights = where(table, known.feeder.code, known.model)
            if nodes.size:
                rows.append(_option_bid(bid, option, nodes, weights / weights.sum(), rank))
    return rows


def _option_bid(bid: Bid, option: BidOption, nodes: np.ndarray, weights: np.ndarray, rank: int) -> ClearingBid:
    from vpp.network.kernels.clearing.problem import ClearingBid

    up_kw = np.asarray(option.up_kw, dtype=np.float64) - np.asarray(option.down_kw, dtype=np.float64)
    priced = np.where(up_kw != 0, option.price_per_mwh, 0.0)  # recovery is not paid
    moved_kw = up_kw + np.asarray(option.recovery_kw, dtype=np.float64)
    kvar = np.zeros_like(up_kw) if option.kvar is None else np.asarray(option.kvar, dtype=np.float64)
    return ClearingBid(
        reference=f"bid:{bid.pk}/{option.reference}",
        aggregator=OURS,
        nodes=nodes,
        weights=weights,
        p_kw=0.0 - moved_kw,
        q_kvar=0.0 - kvar,
        price_per_mwh=priced,
        price_per_mvarh=np.where(kvar != 0, option.price_per_mwh, 0.0),
        min_pu=float(option.min_activation_pu),
        one_share=True,
        exclusive_group=f"bid:{bid.pk}",
        step_pu=ACTIVATION_STEP_PU,
        rank=rank,
    )


def foreign_bid(known: FeederDay, bid: ForeignBid, rank: int) -> ClearingBid:
    from vpp.network.kernels.clearing.problem import ClearingBid

    index = known.model.node_index
    unknown = sorted(set(bid.nodes) - index.keys())
    sizes = {len(bid.up_kw), len(bid.price_per_mwh), len(bid.up_kvar) if bid.up_kvar is not None else len(bid.up_kw)}
    if unknown or sizes != {known.day.n_intervals} or bid.reference.startswith("bid:"):
        why = f"unknown nodes {', '.join(unknown)}" if unknown else f"want {known.day.n_intervals} values per series"
        raise BadForeignBid(f"bid {bid.reference}: {why}", reference=bid.reference)
    kvar = np.zeros(known.day.n_intervals) if bid.up_kvar is None else np.asarray(bid.up_kvar, dtype=np.float64)
    price = np.asarray(bid.price_per_mwh, dtype=np.float64)
    return ClearingBid(
        reference=bid.reference,
        aggregator=bid.aggregator,
        nodes=np.array([index[code] for code in bid.nodes], dtype=np.int64),
        weights=np.array(list(bid.nodes.values()), dtype=np.float64),
        p_kw=0.0 - np.asarray(bid.up_kw, dtype=np.float64),
        q_kvar=0.0 - kvar,
        price_per_mwh=price,
        price_per_mvarh=np.where(kvar != 0, price, 0.0),
        start_cost=bid.start_cost,
        min_pu=bid.min_activation_pu,
        one_share=bid.one_activation,
        energy_limit_kwh=np.inf if bid.energy_limit_kwh is None else bid.energy_limit_kwh,
        exclusive_group=bid.exclusive_group,
        rank=1_000_000 + rank,
    )
