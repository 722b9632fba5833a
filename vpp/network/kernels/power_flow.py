"""AC power flow of a day in one batch, with power-grid-model.

Iterative current to 1e-8, which is fastest on radial feeders; where it does not converge Newton-Raphson tries again,
interval by interval, and an interval that even then has no solution is NaN with ``converged`` False.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from power_grid_model import (
    CalculationMethod,
    ComponentType,
    DatasetType,
    LoadGenType,
    PowerGridModel,
    WindingType,
    initialize_array,
)
from power_grid_model.errors import PowerGridError

from vpp.network.kernels.feeder import Bools, FeederModel, Floats

TOLERANCE_PU = 1e-8
SOURCE_SHORT_CIRCUIT_VA = 1e15  # a stiff source; the library's default of 1e10 costs 6e-5 pu on a 0.6 MVA feeder
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


def run_power_flow(model: FeederModel, p_kw: Floats, q_kvar: Floats | None = None) -> PowerFlowResult:
    """Solve every interval of ``p_kw`` and ``q_kvar`` (both (H, N), load convention; no q means 0).

    Raises ValueError if the shapes disagree or an injection is not finite.
    """
    p_kw, q_kvar = _checked(model, p_kw, q_kvar)
    grid = PowerGridModel(_input(model))
    offset = _offsets(model)
    update = initialize_array(DatasetType.update, ComponentType.sym_load, p_kw.shape)
    update["id"] = offset["load"] + np.arange(p_kw.shape[1])
    update["p_specified"] = p_kw * 1e3
    update["q_specified"] = q_kvar * 1e3
    method, failed, output = _solve(grid, update)
    return _result(model, output, failed, method)


def _checked(model: FeederModel, p_kw: Floats, q_kvar: Floats | None) -> tuple[Floats, Floats]:
    p_kw = np.atleast_2d(np.asarray(p_kw, dtype=np.float64))
    q_kvar = np.zeros_like(p_kw) if q_kvar is None else np.atleast_2d(np.asarray(q_kvar, dtype=np.float64))
    n_nodes = len(model.nodes.codes)
    if p_kw.shape[1] != n_nodes or q_kvar.shape != p_kw.shape:
        raise ValueError(f"injections {p_kw.shape} and {q_kvar.shape}, want (H, {n_nodes}) twice")
    if not (np.isfinite(p_kw).all() and np.isfinite(q_kvar).all()):
        raise ValueError("an injection is not a finite number")
    return p_kw, q_kvar


def _offsets(model: FeederModel) -> dict[str, int]:
    """power-grid-model wants ids that are unique over all components."""
    n_nodes, n_branches = len(model.nodes.codes), len(model.branches.codes)
    n_transformers, n_sources = len(model.transformers.codes), model.sources.node.size
    line = n_nodes
    transformer = line + n_branches
    source = transformer + n_transformers
    return {"line": line, "transformer": transformer, "source": source, "load": source + n_sources}


def _input(model: FeederModel) -> dict[ComponentType, NDArray[Any]]:
    offset = _offsets(model)
    n_nodes = len(model.nodes.codes)
    node = initialize_array(DatasetType.input, ComponentType.node, n_nodes)
    node["id"] = np.arange(n_nodes)
    node["u_rated"] = model.nodes.nominal_kv * 1e3
    source = initialize_array(DatasetType.input, ComponentType.source, model.sources.node.size)
    source["id"] = offset["source"] + np.arange(model.sources.node.size)
    source["node"] = model.sources.node
    source["status"] = 1
    source["u_ref"] = model.sources.v_pu
    source["sk"] = SOURCE_SHORT_CIRCUIT_VA
    load = initialize_array(DatasetType.input, ComponentType.sym_load, n_nodes)
    load["id"] = offset["load"] + np.arange(n_nodes)
    load["node"] = np.arange(n_nodes)
    load["status"] = 1
    load["type"] = LoadGenType.const_power
    load["p_specified"] = 0.0
    load["q_specified"] = 0.0
    return {
        ComponentType.node: node,
        ComponentType.line: _lines(model, offset["line"]),
        ComponentType.transformer: _transformers(model, offset["transformer"]),
        ComponentType.source: source,
        ComponentType.sym_load: load,
    }


def _lines(model: FeederModel, first_id: int) -> NDArray[Any]:
    branches = model.branches
    line = initialize_array(DatasetType.input, ComponentType.line, len(branches.codes))
    line["id"] = first_id + np.arange(len(branches.codes))
    line["from_node"] = branches.from_node
    line["to_node"] = branches.to_node
    line["from_status"] = branches.from_closed
    line["to_status"] = branches.to_closed
    line["r1"] = branches.r_ohm
    line["x1"] = branches.x_ohm
    line["c1"] = branches.c_nf * 1e-9
    line["tan1"] = 0.0
    return line


def _transformers(model: FeederModel, first_id: int) -> NDArray[Any]:
    given = model.transformers
    trafo = initialize_array(DatasetType.input, ComponentType.transformer, len(given.codes))
    rated_va = given.rated_kva * 1e3
    no_load_w = given.pfe_kw * 1e3
    trafo["id"] = first_id + np.arange(len(given.codes))
    trafo["from_node"] = given.hv_node
    trafo["to_node"] = given.lv_node
    trafo["from_status"] = trafo["to_status"] = 1
    trafo["u1"] = given.hv_kv * 1e3
    trafo["u2"] = given.lv_kv * 1e3
    trafo["sn"] = rated_va
    trafo["uk"] = given.vk_percent / 100
    trafo["pk"] = given.vkr_percent / 100 * rated_va
    trafo["p0"] = no_load_w
    trafo["i0"] = np.maximum(given.i0_percent / 100, no_load_w / rated_va)  # rounding on a name plate may undercut p0
    trafo["winding_from"] = trafo["winding_to"] = WindingType.wye_n
    trafo["clock"] = 0  # magnitudes and flows do not depend on the vector group
    trafo["tap_side"] = np.where(given.tap_side_hv, 0, 1)
    trafo["tap_pos"] = given.tap_position
    trafo["tap_nom"] = given.tap_neutral
    trafo["tap_min"] = np.minimum(given.tap_position, given.tap_neutral)
    trafo["tap_max"] = np.maximum(given.tap_position, given.tap_neutral)
    trafo["tap_size"] = np.where(given.tap_side_hv, given.hv_kv, given.lv_kv) * 1e3 * given.tap_step_percent / 100
    return trafo


_BRANCH_OUTPUT = {"p_from", "q_from", "i_from", "i_to"}
_OUTPUT: dict[ComponentType, set[str]] = {
    ComponentType.node: {"u_pu", "energized"},
    ComponentType.line: _BRANCH_OUTPUT,
    ComponentType.transformer: _BRANCH_OUTPUT,
    ComponentType.source: {"p"},
}


def _solve(grid: PowerGridModel, update: NDArray[Any]) -> tuple[str, NDArray[np.int64], dict[Any, Any]]:
    """(method, failed intervals, output)."""
    arguments: dict[str, Any] = {
        "error_tolerance": TOLERANCE_PU,
        "update_data": {ComponentType.sym_load: update},
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


def _result(model: FeederModel, output: dict[Any, Any], failed: NDArray[np.int64], method: str) -> PowerFlowResult:
    node = output[ComponentType.node]
    line, trafo = (
        _branch_output(output, kind, node["u_pu"].shape) for kind in (ComponentType.line, ComponentType.transformer)
    )
    given = model.transformers
    rated_hv_a = given.rated_kva / (_SQRT3 * given.hv_kv)
    rated_lv_a = given.rated_kva / (_SQRT3 * given.lv_kv)
    converged = np.ones(node["u_pu"].shape[0], dtype=np.bool_)
    converged[failed] = False

    def clean(values: Floats) -> Floats:
        values = np.array(values, dtype=np.float64)
        values[~converged] = np.nan
        return values

    voltage_pu = clean(node["u_pu"])
    voltage_pu[node["energized"] == 0] = np.nan
    return PowerFlowResult(
        voltage_pu=voltage_pu,
        branch_loading_pu=clean(np.maximum(line["i_from"], line["i_to"]) / model.branches.rating_a),
        branch_p_kw=clean(line["p_from"] / 1e3),
        branch_q_kvar=clean(line["q_from"] / 1e3),
        transformer_loading_pu=clean(np.maximum(trafo["i_from"] / rated_hv_a, trafo["i_to"] / rated_lv_a)),
        transformer_p_kw=clean(trafo["p_from"] / 1e3),
        transformer_q_kvar=clean(trafo["q_from"] / 1e3),
        source_p_kw=clean(output[ComponentType.source]["p"].sum(axis=1) / 1e3),
        converged=converged,
        method=method,
    )


def _branch_output(output: dict[Any, Any], kind: ComponentType, node_shape: tuple[int, ...]) -> Any:
    """A kind of which the grid has none is left out of the answer: (H, 0) then."""
    return output[kind] if kind in output else {name: np.zeros((node_shape[0], 0)) for name in _BRANCH_OUTPUT}
