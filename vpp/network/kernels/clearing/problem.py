"""What is cleared, as plain data: bids of any number of aggregators, a feeder, its forecast, its limits.

N nodes of the model, T intervals of `step_hours`. Changes of power follow the load convention: a bid UP (less
consumption) has negative ``p_kw``. Costs in EUR, prices in EUR per MWh (or Mvarh), always non-negative in effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vpp.network.kernels.feeder import FeederModel, Floats, Ints
from vpp.network.kernels.screening import PowerLimit, Violation
from vpp.network.kernels.stretches import Stretch


class BadClearing(ValueError):
    """The problem contradicts itself; `findings` lists every place."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = findings


@dataclass(frozen=True)
class ClearingBid:
    """One offer. Taken at a share s in [0, 1] it changes consumption by ``s * p_kw`` and ``s * q_kvar``, spread over
    its nodes; with ``one_share`` the share is the same in all intervals (so p_kw may hold a recovery of the other
    sign), without it each interval has its own.

    nodes, weights   : where it acts; the weights sum to 1.
    price_per_mwh    : (T,) of |p|; price_per_mvarh: (T,) of |q|. start_cost: paid once if any of it is taken.
    min_pu           : smallest share that may be taken of an interval (of all, with one_share); 1 is all or nothing.
    energy_limit_kwh : most |p| energy over the day. ramp_kw: largest step between neighbouring intervals.
    exclusive_group  : of a group at most one bid is taken; empty: no group.
    step_pu          : with one_share, the share is taken in whole steps of this, rounded up; 0: any share.
    inverter         : position among the problem's inverters, -1 for none.
    rank             : earlier wins where all else is equal; then the reference decides.
    """

    reference: str
    aggregator: str
    nodes: Ints
    weights: Floats
    p_kw: Floats
    q_kvar: Floats
    price_per_mwh: Floats
    price_per_mvarh: Floats
    start_cost: float = 0.0
    min_pu: float = 0.0
    one_share: bool = False
    energy_limit_kwh: float = np.inf
    ramp_kw: float = np.inf
    exclusive_group: str = ""
    step_pu: float = 0.0
    inverter: int = -1
    rank: int = 0

    def cost_of_full(self, step_hours: float) -> Floats:
        """(T,) EUR if all of it is taken."""
        priced = np.abs(self.p_kw) * self.price_per_mwh + np.abs(self.q_kvar) * self.price_per_mvarh
        return np.asarray(priced * step_hours / 1e3, dtype=np.float64)


@dataclass(frozen=True)
class Inverter:
    """(T,) what it does without any bid, load convention; p and q together stay within rated_kva."""

    reference: str
    rated_kva: float
    base_kw: Floats
    base_kvar: Floats


@dataclass(frozen=True)
class Demand:
    """A plain quantity that is wanted whatever the grid says: (T,) of change UP (less consumption, or of kvar drawn)
    from the given bids; what stays uncovered costs the ceiling price."""

    reference: str
    quantity: Floats
    bids: tuple[str, ...]
    ceiling_per_mwh: float
    reactive: bool = False


@dataclass(frozen=True)
class ClearingProblem:
    """base_p_kw, base_q_kvar (T, N): the forecast with everything that is firm already (wholesale schedules, earlier
    commits). ceiling_per_mwh: bids above it are left out. violation_price_per_mwh: what a kW beyond a limit is worth
    avoiding; only bids dearer than that, in effect, stay unused.

    states : stretches of intervals with their own switching state, in order and without a gap; empty: `model` all day.
    """

    model: FeederModel
    base_p_kw: Floats
    base_q_kvar: Floats
    bids: Sequence[ClearingBid]
    step_hours: float
    power_limits: Sequence[PowerLimit] = ()
    inverters: Sequence[Inverter] = ()
    demands: Sequence[Demand] = ()
    max_loading_pu: float = 1.0
    ceiling_per_mwh: float = np.inf
    violation_price_per_mwh: float = 20_000.0
    states: Sequence[Stretch] = ()

    @property
    def stretches(self) -> Sequence[Stretch]:
        return self.states or ((slice(0, self.n_intervals), self.model),)

    @property
    def n_intervals(self) -> int:
        return int(self.base_p_kw.shape[0])

    def validated(self) -> ClearingProblem:
        """Itself; BadClearing with all findings."""
        findings = _findings(self)
        if findings:
            raise BadClearing(findings)
        return self


@dataclass(frozen=True)
class LostBid:
    """Why a bid was not taken: a stable code and a sentence with its numbers."""

    code: str
    explanation: str


@dataclass(frozen=True)
class ClearingResult:
    """share (B, T) of each bid taken, in the order of the problem's bids.

    cost       : (B,) EUR each. ac_valid: nothing is broken that was kept before, and nothing further.
    before, after : violations without and with the plan. corrections: power flows that corrected the rows.
    lost       : reference -> reason, of every bid of which nothing was taken.
    """

    share: Floats
    cost: Floats
    ac_valid: bool
    before: list[Violation]
    after: list[Violation]
    corrections: int
    lost: dict[str, LostBid] = field(default_factory=dict)

    @property
    def total_cost(self) -> float:
        return float(self.cost.sum())

    @property
    def cures_all(self) -> bool:
        return not self.after


def _findings(problem: ClearingProblem) -> list[str]:
    count, n_nodes = problem.n_intervals, len(problem.model.nodes.codes)
    found = []
    if problem.base_p_kw.shape != (count, n_nodes) or problem.base_q_kvar.shape != (count, n_nodes):
        found.append(f"the forecast wants (T, {n_nodes}) twice")
    ends = [(span.start, span.stop) for span, _ in problem.stretches]
    if [end for _, end in ends] != [start for start, _ in ends[1:]] + [count] or ends[0][0] != 0:
        found.append(f"the switching states must cover {count} intervals one after the other")
    references = [bid.reference for bid in problem.bids]
    found += [f"bid {name} occurs twice" for name in sorted({r for r in references if references.count(r) > 1})]
    for bid in problem.bids:
        series = (bid.p_kw, bid.q_kvar, bid.price_per_mwh, bid.price_per_mvarh)
        if any(values.shape != (count,) or not np.isfinite(values).all() for values in series):
            found.append(f"bid {bid.reference}: every series wants {count} finite values")
        elif (bid.cost_of_full(problem.step_hours) < 0).any() or bid.start_cost < 0:
            found.append(f"bid {bid.reference}: its cost is negative")
        if not 0 <= bid.min_pu <= 1:
            found.append(f"bid {bid.reference}: min_pu must be in [0, 1]")
        if bid.nodes.size == 0 or bid.nodes.min() < 0 or bid.nodes.max() >= n_nodes:
            found.append(f"bid {bid.reference}: an unknown node")
        elif bid.weights.shape != bid.nodes.shape or abs(bid.weights.sum() - 1) > 1e-6 or bid.weights.min() < 0:
            found.append(f"bid {bid.reference}: its weights must be shares of 1")
        if bid.inverter >= len(problem.inverters):
            found.append(f"bid {bid.reference}: there is no inverter {bid.inverter}")
    known = set(references)
    for demand in problem.demands:
        if demand.quantity.shape != (count,) or not set(demand.bids) <= known:
            found.append(f"demand {demand.reference}: wrong length or an unknown bid")
    return found
