"""What bids do to the grid: to every voltage and flow per kW and kvar, in each switching state of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vpp.network.kernels.clearing.linear_map import LinearMap
from vpp.network.kernels.clearing.problem import ClearingProblem
from vpp.network.kernels.feeder import Floats, Ints


@dataclass(frozen=True)
class Response:
    """What a bid does in one switching state per kW (``_p``) and kvar (``_q``): (B, N) squared voltage, (B, E) flow,
    (B,) head."""

    v2_p: Floats
    v2_q: Floats
    flow_p: Floats
    flow_q: Floats
    source_p: Floats


@dataclass(frozen=True)
class Effects:
    """Where bids act (B, N), what they offer (B, T), and what that does: a response per switching state, with the
    number of each interval's state (T,)."""

    weights: Floats
    p_kw: Floats
    q_kvar: Floats
    responses: tuple[Response, ...]
    state_of: Ints

    def at(self, interval: int) -> Response:
        return self.responses[self.state_of[interval]]


def bid_effects(problem: ClearingProblem, linear: Sequence[LinearMap]) -> Effects:
    """`linear`: one map per stretch of the problem."""
    weights = np.zeros((len(problem.bids), len(problem.model.nodes.codes)))
    for place, bid in enumerate(problem.bids):
        np.add.at(weights[place], bid.nodes, bid.weights)
    none = np.zeros((0, problem.n_intervals))
    return Effects(
        weights=weights,
        p_kw=np.stack([bid.p_kw for bid in problem.bids]) if problem.bids else none,
        q_kvar=np.stack([bid.q_kvar for bid in problem.bids]) if problem.bids else none,
        responses=tuple(_response(weights, one) for one in linear),
        state_of=np.repeat(np.arange(len(linear)), [span.stop - span.start for span, _ in problem.stretches]),
    )


def _response(weights: Floats, linear: LinearMap) -> Response:
    return Response(
        v2_p=weights @ linear.v2_p.T,
        v2_q=weights @ linear.v2_q.T,
        flow_p=weights @ linear.flow_p.T,
        flow_q=weights @ linear.flow_q.T,
        source_p=weights @ linear.source_p,
    )


def injections(problem: ClearingProblem, effects: Effects, share: Floats) -> tuple[Floats, Floats]:
    """(T, N) active and reactive power under the shares."""
    return (
        problem.base_p_kw + (share * effects.p_kw).T @ effects.weights,
        problem.base_q_kvar + (share * effects.q_kvar).T @ effects.weights,
    )
