"""AC power flow of a day in one batch, with power-grid-model.

Iterative current to 1e-8, which is fastest on radial feeders; where it does not converge Newton-Raphson tries again,
interval by interval, and an interval that even then has no solution is NaN with ``converged`` False. Regulators choose
the tap of each interval by itself: steps towards their band until all are inside or at the end of their range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from power_grid_model import CalculationMethod, ComponentType, DatasetType, PowerGridModel, initialize_array
from power_grid_model.errors import PowerGridError

from vpp.network.kernels.feeder import Bools, FeederModel, Floats, Ints
from vpp.network.kernels.grid_input import grid_input, offsets

TOLERANCE_PU = 1e-8
MOST_TAP_ROUNDS = 20
_SQRT3 = np.sqrt(3.0)


@dataclass(frozen=True)
class PowerFlowResult:
    """Results per interval; NaN where an interval has no solution or a node is not energised.

    voltage_pu              : (H, N)
    branch_loading_pu       : (H, B) larger end current over the rating; 0 where no rating is known.
    branch_p_kw, _q_kvar    : (H, B) into the branch at its from-node.
    transformer_loading_pu  : (H, T) larger winding current over the rated one.
    transformer_p_kw,_q_kvar: (H, T) into the high-voltage side; positive supplies the low-voltage side.
    source_p_kw             : (H,)   drawn from the grid above, all sources together.
    converged               : (H,)
    method                  : the method that gave the answer.
    tap_position            : (H, T) as the regulators set them.
    """

    voltage_pu: Floats
    branch_loading_pu: Floats
    branch_p_kw: Floats
    branch_q_kvar: Floats
    transformer_loading_pu: Floats
    transformer_p_kw: Floats
    transformer_q_kvar: Floats
    source_p_kw: Floats
    converged: Bools
    method: str
    tap_position: Ints


def run_power_flow(model: FeederModel, p_kw: Floats, q_kvar: Floats | None = None) -> PowerFlowResult:
    """Solve every interval of ``p_kw`` and ``q_kvar`` (both (H, N), load convention; no q means 0).

    Raises ValueError if the shapes disagree or an injection is not finite.
    """
    p_kw, q_kvar = _checked(model, p_kw, q_kvar)
    grid = PowerGridModel(grid_input(model))
    update = _load_update(model, p_kw, q_kvar)
    tap = np.tile(model.transformers.tap_position, (p_kw.shape[0], 1))
    method, failed, output = _solve(grid, update)
    for _ in range(MOST_TAP_ROUNDS if model.regulators.codes else 0):
        moved = _moved_taps(model, tap, output[ComponentType.node]["u_pu"])
        if (moved == tap).all():
            break
        tap = moved
        update[ComponentType.transformer] = _tap_update(model, tap)
        method, failed, output = _solve(grid, update)
    return _result(model, output, failed, method, tap)


def _load_update(model: FeederModel, p_kw: Floats, q_kvar: Floats) -> dict[ComponentType, NDArray[Any]]:
    update = initialize_array(DatasetType.update, ComponentType.sym_load, p_kw.shape)
    update["id"] = offsets(model)["load"] + np.arange(p_kw.shape[1])
    update["p_specified"] = p_kw * 1e3
    update["q_specified"] = q_kvar * 1e3
    return {ComponentType.sym_load: update}


def _tap_update(model: FeederModel, tap: Ints) -> NDArray[Any]:
    update = initialize_array(DatasetType.update, ComponentType.transformer, tap.shape)
    update["id"] = offsets(model)["transformer"] + np.arange(tap.shape[1])
    update["tap_pos"] = tap
    return update


def _moved_taps(model: FeederModel, tap: Ints, voltage_pu: Floats) -> Ints:
    """(H, T) taps after each regulator took the steps that its voltage calls for; inside the band it rests."""
    given, regulators = model.transformers, model.regulators
    index = regulators.transformer
    step_pu = given.tap_step_percent[index] / 100
    raises = np.where(given.tap_side_hv[index], -1, 1)  # a higher tap on the high side lowers the low side
    off_pu = regulators.v_set_pu - voltage_pu[:, given.lv_node[index]]
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.rint(off_pu / step_pu)
    wanted = np.where(np.isfinite(wanted), wanted, 0).astype(np.int64)
    outside = np.abs(off_pu) > regulators.v_band_pu / 2
    steps = np.where(outside, np.where(wanted == 0, np.sign(off_pu), wanted), 0).astype(np.int64) * raises
    moved = tap.copy()
    moved[:, index] = np.clip(tap[:, index] + steps, regulators.tap_min, regulators.tap_max)
    return moved


def _checked(model: FeederModel, p_kw: Floats, q_kvar: Floats | None) -> tuple[Floats, Floats]:
    p_kw = np.atleast_2d(np.asarray(p_kw, dtype=np.float64))
    q_kvar = np.zeros_like(p_kw) if q_kvar is None else np.atleast_2d(np.asarray(q_kvar, dtype=np.float64))
    n_nodes = len(model.nodes.codes)
    if p_kw.shape[1] != n_nodes or q_kvar.shape != p_kw.shape:
        raise ValueError(f"injections {p_kw.shape} and {q_kvar.shape}, want (H, {n_nodes}) twice")
    if not (np.isfinite(p_kw).all() and np.isfinite(q_kvar).all()):
        raise ValueError("an injection is not a finite number")
    return p_kw, q_kvar


_BRANCH_OUTPUT = {"p_from", "q_from", "i_from", "i_to"}
_OUTPUT: dict[ComponentType, set[str]] = {
    ComponentType.node: {"u_pu", "energized"},
    ComponentType.line: _BRANCH_OUTPUT,
    ComponentType.transformer: _BRANCH_OUTPUT,
    ComponentType.source: {"p"},
}


def _solve(
    grid: PowerGridModel, update: dict[ComponentType, NDArray[Any]]
) -> tuple[str, NDArray[np.int64], dict[Any, Any]]:
    """(method, failed intervals, output)."""
    arguments: dict[str, Any] = {
        "error_tolerance": TOLERANCE_PU,
        "update_data": update,
        "output_component_types": _OUTPUT,
        "threading": -1,
    }
    try:
        output = grid.calculate_power_flow(
            calculation_method=CalculationMethod.iterative_current, max_iterations=50, **arguments
        )
        return "iterative_current", np.zeros(0, dtype=np.int64), output
    except PowerGridError:
        output = grid.calculate_power_flow(
            calculation_method=CalculationMethod.newton_raphson,
            max_iterations=30,
            continue_on_batch_error=True,
            **arguments,
        )
    error = grid.batch_error
    failed = np.zeros(0, dtype=np.int64) if error is None else np.asarray(error.failed_scenarios, dtype=np.int64)
    return "newton_raphson", failed, output


def _result(
    model: FeederModel, output: dict[Any, Any], failed: NDArray[np.int64], method: str, tap: Ints
) -> PowerFlowResult:
    node = output[ComponentType.node]
    line, trafo = (
        _branch_output(output, kind, node["u_pu"].shape) for kind in (ComponentType.line, ComponentType.transformer)
    )
    given = model.transformers
    rated_hv_a = given.rated_kva / (_SQRT3 * given.hv_kv)
    rated_lv_a = given.rated_kva / (_SQRT3 * given.lv_kv)
    converged = np.ones(node["u_pu"].shape[0], dtype=np.bool_)
    converged[failed] = False

    def clean(values: Floats, per: float = 1.0) -> Floats:
        values = np.array(values, dtype=np.float64)
        values[~converged] = np.nan
        return values / per

    with np.errstate(invalid="ignore"):  # an interval without a solution may hold anything
        branch_loading_pu = np.maximum(line["i_from"], line["i_to"]) / model.branches.rating_a
        transformer_loading_pu = np.maximum(trafo["i_from"] / rated_hv_a, trafo["i_to"] / rated_lv_a)
        source_w = output[ComponentType.source]["p"].sum(axis=1)
    voltage_pu = clean(node["u_pu"])
    voltage_pu[node["energized"] == 0] = np.nan
    return PowerFlowResult(
        voltage_pu=voltage_pu,
        branch_loading_pu=clean(branch_loading_pu),
        branch_p_kw=clean(line["p_from"], 1e3),
        branch_q_kvar=clean(line["q_from"], 1e3),
        transformer_loading_pu=clean(transformer_loading_pu),
        transformer_p_kw=clean(trafo["p_from"], 1e3),
        transformer_q_kvar=clean(trafo["q_from"], 1e3),
        source_p_kw=clean(source_w, 1e3),
        converged=converged,
        method=method,
        tap_position=tap,
    )


def _branch_output(output: dict[Any, Any], kind: ComponentType, node_shape: tuple[int, ...]) -> Any:
    """A kind of which the grid has none is left out of the answer: (H, 0) then."""
    return output[kind] if kind in output else {name: np.zeros((node_shape[0], 0)) for name in _BRANCH_OUTPUT}
