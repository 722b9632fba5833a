"""The bid problem of one portfolio and one delivery day, as plain data.

Everything is relative to the portfolio's baseline: UP is less consumption or more production (sold), DOWN is the
opposite (bought); quantities are non-negative kW. T dispatch intervals of `step_hours`; symbols as in docs/bid.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
UP, DOWN = "UP", "DOWN"
BOTH = "BOTH"  # a symmetric reserve: one quantity, held each way


class BadProblem(ValueError):
    """The problem contradicts itself; `findings` lists every place."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = findings


@dataclass(frozen=True)
class MeanEnergy:
    """What a group of a coarse problem (`coarsen`) knows of the steps within one interval.

    Reserve may wander between groups within an interval, so the last step's is not the mean: `floor_slack_kwh` and
    `roof_slack_kwh` are how much endurance that can shift. mean_min_kwh, mean_max_kwh (T,): bounds of the mean energy.
    """

    steps: int
    floor_slack_kwh: float
    roof_slack_kwh: float
    mean_min_kwh: FloatArray
    mean_max_kwh: FloatArray


@dataclass(frozen=True)
class FlexGroup:
    """Alike devices of one feeder that act as one (virtual) storage, or as a curtailable source.

    up_limit_kw, down_limit_kw : (T,) room to move from the baseline each way.
    energy_min_kwh, energy_max_kwh : (T,) bounds of the stored (or pre-consumed) energy at the end of each interval;
    None
        for a source that has no memory.
    up_cost, down_cost : EUR per MWh moved; a genset's down_cost is negative (fuel saved).
    retention : share of the energy kept per interval.
    max_hours, max_starts : owner terms, hours at full power either way and movements begun a day, per device.
    """

    name: str
    feeder: str
    up_limit_kw: FloatArray
    down_limit_kw: FloatArray
    energy_min_kwh: FloatArray | None = None
    energy_max_kwh: FloatArray | None = None
    energy_start_kwh: float = 0.0
    energy_end_kwh: float = 0.0
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    retention: float = 1.0
    up_cost_eur_per_mwh: float = 0.0
    down_cost_eur_per_mwh: float = 0.0
    max_hours: float = float("inf")
    max_starts: float = float("inf")
    device_ids: tuple[int, ...] = ()
    mean_energy: MeanEnergy | None = None

    @property
    def has_energy(self) -> bool:
        return self.energy_min_kwh is not None

    @property
    def loses_energy(self) -> bool:
        """Moving up and down at once would burn energy, so exclusivity matters."""
        return self.has_energy and self.charge_efficiency * self.discharge_efficiency < 1.0 - 1e-12


@dataclass(frozen=True)
class EnergyProduct:
    """Day-ahead energy; block_of_interval (T,) maps dispatch intervals to M market time units, price (M,) EUR/MWh.

    most_kw: largest quantity of one bid. barred: names of the groups that the market does not admit.
    stairs: residual demand, (up to kW, change of the price) in rising kW; empty for a price taker.
    """

    code: str
    block_of_interval: IntArray
    price_eur_per_mwh: FloatArray
    min_quantity_kw: float
    lot_kw: float
    most_kw: float = float("inf")
    barred: frozenset[str] = frozenset()
    stairs: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class ReserveProduct:
    """Reserve capacity in `direction`; price (B,) EUR per MW and hour; `activation_pu` is the expected share called.

    most_kw, barred, stairs: as of energy.
    """

    code: str
    direction: str
    block_of_interval: IntArray
    price_eur_per_mw_h: FloatArray
    min_quantity_kw: float
    lot_kw: float
    endurance_h: float
    activation_pu: float = 0.0
    most_kw: float = float("inf")
    barred: frozenset[str] = frozenset()
    stairs: tuple[tuple[float, float], ...] = ()

    def covers(self, direction: str) -> bool:
        return self.direction in (direction, BOTH)


@dataclass(frozen=True)
class AskRequest:
    """A utility's ask: quantity (T,) kW wanted from devices of `feeder`, 0 outside its window; at most the ceiling."""

    reference: str
    direction: str
    feeder: str
    quantity_kw: FloatArray
    ceiling_eur_per_mwh: float
    min_quantity_kw: float = 1.0
    lot_kw: float = 1.0
    bound_to_place: bool = True


@dataclass(frozen=True)
class RecoveryRoom:
    """(T,) kW of movement that nobody was promised: up, down, and both together."""

    surplus_kw: FloatArray
    deficit_kw: FloatArray
    either_kw: FloatArray


@dataclass(frozen=True)
class FeederLimit:
    """Import and export limit (T,) of a feeder and its forecast baseline (T,), consumption positive; inf =
    unlimited.
    """

    feeder: str
    base_kw: FloatArray
    import_limit_kw: FloatArray
    export_limit_kw: FloatArray


@dataclass(frozen=True)
class RiskAversion:
    """beta in [0, 1]: weight of the mean of the worst 1 - alpha; price (S, M): equally likely prices of the energy's
    blocks.
    """

    beta: float
    alpha: float
    price_eur_per_mwh: FloatArray


@dataclass(frozen=True)
class BidProblem:
    """All of one portfolio. `book_up_kw`, `book_down_kw` (T,): what the commitment book still has free.

    committed_net_up_kw (T,): already awarded, up positive; it must be delivered beside anything new.
    imbalance_price (T,) and spread: the price of recovery outside promised hours. shortfall_penalty: EUR/MWh missed.
    """

    step_hours: float
    groups: tuple[FlexGroup, ...]
    energy: EnergyProduct | None
    reserves: tuple[ReserveProduct, ...]
    asks: tuple[AskRequest, ...]
    feeders: tuple[FeederLimit, ...]
    book_up_kw: FloatArray
    book_down_kw: FloatArray
    committed_net_up_kw: FloatArray
    imbalance_price_eur_per_mwh: FloatArray
    imbalance_spread_eur_per_mwh: float = 40.0
    shortfall_penalty_eur_per_mwh: float = 5000.0
    committed_reserve_kw: dict[str, FloatArray] = field(default_factory=dict)
    recovery: RecoveryRoom | None = None
    missed_room_kw: tuple[FloatArray, FloatArray] | None = None
    risk: RiskAversion | None = None

    def recovery_room(self) -> RecoveryRoom:
        """Where recovery may be planned: not where something is asked or committed, so no promise is planned to be
        missed. `recovery` overrides it.
        """
        if self.recovery is not None:
            return self.recovery
        free = np.asarray(self.committed_net_up_kw == 0)
        for ask in self.asks:
            free = free & (ask.quantity_kw <= 0)
        none = np.zeros(self.n_intervals)
        up_kw = np.where(free, sum((group.up_limit_kw for group in self.groups), start=none), 0.0)
        down_kw = np.where(free, sum((group.down_limit_kw for group in self.groups), start=none), 0.0)
        return RecoveryRoom(up_kw, down_kw, np.maximum(up_kw, down_kw))

    @property
    def n_intervals(self) -> int:
        return int(self.book_up_kw.size)

    @property
    def products(self) -> tuple[EnergyProduct | ReserveProduct, ...]:
        return (() if self.energy is None else (self.energy,)) + self.reserves

    def validated(self) -> BidProblem:
        """Itself; BadProblem with all findings when shapes, signs or limits contradict each other."""
        if findings := list(_findings(self)):
            raise BadProblem(findings)
        return self


def _findings(problem: BidProblem) -> Iterator[str]:
    count = problem.n_intervals
    yield from _series(count, "book_down_kw", problem.book_down_kw)
    yield from _series(count, "book_up_kw", problem.book_up_kw)
    yield from _series(count, "committed_net_up_kw", problem.committed_net_up_kw, signed=True)
    yield from _series(count, "imbalance_price", problem.imbalance_price_eur_per_mwh, signed=True)
    if problem.imbalance_spread_eur_per_mwh <= 0:
        yield "imbalance_spread must be positive, else deviations trade for free"
    for group in problem.groups:
        yield from _group_findings(group, count)
    for product in problem.products:
        yield from _product_findings(product, count)
    for ask in problem.asks:
        yield from _series(count, f"ask {ask.reference} quantity_kw", ask.quantity_kw)
        if ask.direction not in (UP, DOWN):
            yield f"ask {ask.reference}: direction {ask.direction!r}"


def _group_findings(group: FlexGroup, count: int) -> Iterator[str]:
    yield from _series(count, f"group {group.name} up_limit_kw", group.up_limit_kw)
    yield from _series(count, f"group {group.name} down_limit_kw", group.down_limit_kw)
    for name, value in (("charge", group.charge_efficiency), ("discharge", group.discharge_efficiency)):
        if not 0 < value <= 1:
            yield f"group {group.name}: {name}_efficiency {value} is not in (0, 1]"
    if (group.energy_min_kwh is None) != (group.energy_max_kwh is None):
        yield f"group {group.name}: one energy bound without the other"
    elif group.energy_min_kwh is not None and group.energy_max_kwh is not None:
        yield from _series(count, f"group {group.name} energy_min_kwh", group.energy_min_kwh, signed=True)
        yield from _series(count, f"group {group.name} energy_max_kwh", group.energy_max_kwh, signed=True)
        if group.energy_min_kwh.size == group.energy_max_kwh.size and np.any(
            group.energy_min_kwh > group.energy_max_kwh + 1e-9
        ):
            yield f"group {group.name}: energy limits cross"


def _product_findings(product: EnergyProduct | ReserveProduct, count: int) -> Iterator[str]:
    price = product.price_eur_per_mwh if isinstance(product, EnergyProduct) else product.price_eur_per_mw_h
    blocks = product.block_of_interval
    if blocks.shape != (count,) or (count and int(blocks.max()) + 1 != price.size):
        yield f"product {product.code}: {price.size} prices do not match its blocks"
    if not np.all(np.isfinite(price)):
        yield f"product {product.code}: a price is missing"
    if product.lot_kw <= 0 or product.min_quantity_kw < 0:
        yield f"product {product.code}: lot {product.lot_kw}, minimum {product.min_quantity_kw}"
    if isinstance(product, ReserveProduct) and product.direction not in (UP, DOWN, BOTH):
        yield f"product {product.code}: direction {product.direction!r}"


def _series(count: int, name: str, values: FloatArray, *, signed: bool = False) -> Iterator[str]:
    if values.shape != (count,):
        yield f"{name} has shape {values.shape}, want ({count},)"
    elif not np.all(np.isfinite(values)):
        yield f"{name} has missing values"
    elif not signed and np.any(values < 0):
        yield f"{name} is negative somewhere"
