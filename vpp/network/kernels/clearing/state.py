"""A plan's AC answer: every monitored value, by how much it is beyond its limit, and what is worse than before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vpp.network.kernels.clearing.problem import ClearingProblem
from vpp.network.kernels.feeder import Bools, Floats
from vpp.network.kernels.power_flow import PowerFlowResult
from vpp.network.kernels.screening import Violation
from vpp.network.kernels.stretches import find_violations_of_stretches, run_stretches

#: A plan may differ from before by the solver's own tolerance, no more.
VOLTAGE_SLACK_PU, LOADING_SLACK_PU, POWER_SLACK_KW = 1e-7, 1e-6, 1e-4
UNSOLVED = 1e3  # excess of everything in an interval without a solution


@dataclass(frozen=True)
class GridState:
    """The power flow under some shares, with excess >= 0 of every limit.

    low, high   : (T, N) pu below, above the voltage band. loading: (T, B + T') pu above the rating.
    power       : (T, L) kW beyond an agreed power limit. flow_p, flow_q, loading_pu: (T, B + T').
    limit_kw    : (T, L) the power that each agreed limit is about, away from the source positive.
    """

    result: PowerFlowResult
    low: Floats
    high: Floats
    loading: Floats
    power: Floats
    flow_p: Floats
    flow_q: Floats
    loading_pu: Floats
    limit_kw: Floats

    @property
    def solved(self) -> Bools:
        return self.result.converged

    def total_excess(self) -> float:
        """One number to compare plans by: pu of voltage and loading, and kW in hundreds, summed."""
        return float(self.low.sum() + self.high.sum() + self.loading.sum() + self.power.sum() / 100)

    def worse_than(self, before: GridState) -> bool:
        """Is any limit broken that was kept, or broken further?"""
        return bool(
            (self.low > before.low + VOLTAGE_SLACK_PU).any()
            or (self.high > before.high + VOLTAGE_SLACK_PU).any()
            or (self.loading > before.loading + LOADING_SLACK_PU).any()
            or (self.power > before.power + POWER_SLACK_KW).any()
            or (before.solved & ~self.solved).any()
        )


def grid_state(problem: ClearingProblem, p_kw: Floats, q_kvar: Floats) -> GridState:
    """The feeder under injections (T, N), each interval in its own switching state."""
    model = problem.model
    result = run_stretches(problem.stretches, p_kw, q_kvar)
    loading_pu = np.hstack([result.branch_loading_pu, result.transformer_loading_pu])
    flow_p = np.hstack([result.branch_p_kw, result.transformer_p_kw])
    limit_kw = _limited_powers(problem, result)
    limits = np.array([limit.limit_kw for limit in problem.power_limits])

    def excess(values: Floats) -> Floats:
        over = np.maximum(np.nan_to_num(values), 0.0)
        over[~result.converged] = UNSOLVED
        return over

    return GridState(
        result=result,
        low=excess(model.nodes.v_min_pu - result.voltage_pu),
        high=excess(result.voltage_pu - model.nodes.v_max_pu),
        loading=excess(loading_pu - problem.max_loading_pu),
        power=excess(np.abs(limit_kw) - limits),
        flow_p=np.nan_to_num(flow_p),
        flow_q=np.nan_to_num(np.hstack([result.branch_q_kvar, result.transformer_q_kvar])),
        loading_pu=np.nan_to_num(loading_pu),
        limit_kw=np.nan_to_num(limit_kw),
    )


def limited_element(problem: ClearingProblem, place: int) -> int:
    """Position of a power limit's element among branches and transformers, -1 for the feeder's head."""
    code = problem.power_limits[place].element_code
    if code is None:
        return -1
    transformers = problem.model.transformers.codes
    if code in transformers:
        return len(problem.model.branches.codes) + transformers.index(code)
    return problem.model.branches.codes.index(code)


def _limited_powers(problem: ClearingProblem, result: PowerFlowResult) -> Floats:
    flows = np.hstack([result.branch_p_kw, result.transformer_p_kw])
    columns = []
    for place in range(len(problem.power_limits)):
        element = limited_element(problem, place)
        columns.append(result.source_p_kw if element < 0 else flows[:, element])
    return np.stack(columns, axis=1) if columns else np.zeros((flows.shape[0], 0))


def violations(problem: ClearingProblem, state: GridState, p_kw: Floats) -> list[Violation]:
    """The state's violations as screening lists them."""
    return find_violations_of_stretches(
        problem.stretches,
        state.result,
        p_kw,
        power_limits=problem.power_limits,
        max_loading_pu=problem.max_loading_pu,
    )
