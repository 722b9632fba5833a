"""The bid problem of one portfolio and one delivery day, as plain data.

Everything is relative to the portfolio's baseline: UP is less consumption or more production (sold), DOWN is the
opposite (bought); quantities are non-negative kW. T dispatch intervals of `step_hours`; symbols as in docs/bid.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bidding.kernels.products import (
    BOTH,
    DOWN,
    UP,
    AskRequest,
    EnergyProduct,
    FloatArray,
    IntArray,
    ReserveProduct,
)

__all__ = [
    "BOTH", "DOWN", "UP", "AskRequest", "BadProblem", "BidProblem", "EnergyProduct", "FeederLimit", "FlexGroup",
    "FloatArray", "IntArray", "MeanEnergy", "RecoveryRoom", "ReserveProduct", "RiskAversion",
]  # fmt: skip


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
    rest_hours : how long a device rests between two movements.
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
    rest_hours: float = 0.0
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
    imbalance_price (T,) and spread: the price of recovery outside promised hours. shortfall_penalty: EUR/MWh missed;
    obligation_penalty: EUR per MWh that a capacity obligation wants offered and is not.
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
    obligation_penalty_eur_per_mwh: float = 3000.0
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
        from bidding.kernels.problem_check import findings_of

        if findings := list(findings_of(self)):
            raise BadProblem(findings)
        return self
