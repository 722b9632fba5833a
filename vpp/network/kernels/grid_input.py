"""The grid as power-grid-model's input arrays. Its ids are unique over all components: nodes first, then the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from power_grid_model import ComponentType, DatasetType, LoadGenType, WindingType, initialize_array

from vpp.network.kernels.feeder import FeederModel, Ints

SOURCE_SHORT_CIRCUIT_VA = 1e15  # a stiff source; the library's default of 1e10 costs 6e-5 pu on a 0.6 MVA feeder


def offsets(model: FeederModel) -> dict[str, int]:
    """power-grid-model wants ids that are unique over all components."""
    n_nodes, n_branches = len(model.nodes.codes), len(model.branches.codes)
    n_transformers, n_sources = len(model.transformers.codes), model.sources.node.size
    line = n_nodes
    transformer = line + n_branches
    source = transformer + n_transformers
    load = source + n_sources
    return {
        "line": line,
        "transformer": transformer,
        "source": source,
        "load": load,
        "shunt": load + n_nodes,
    }


def grid_input(model: FeederModel) -> dict[ComponentType, NDArray[Any]]:
    offset = offsets(model)
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
        ComponentType.shunt: _shunts(model, offset["shunt"]),
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
    trafo["from_status"] = trafo["to_status"] = given.closed
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
    trafo["tap_min"], trafo["tap_max"] = _tap_range(model)
    trafo["tap_size"] = np.where(given.tap_side_hv, given.hv_kv, given.lv_kv) * 1e3 * given.tap_step_percent / 100
    return trafo


def _tap_range(model: FeederModel) -> tuple[Ints, Ints]:
    given, regulators = model.transformers, model.regulators
    lowest = np.minimum(given.tap_position, given.tap_neutral)
    highest = np.maximum(given.tap_position, given.tap_neutral)
    np.minimum.at(lowest, regulators.transformer, regulators.tap_min)
    np.maximum.at(highest, regulators.transformer, regulators.tap_max)
    return lowest, highest


def _shunts(model: FeederModel, first_id: int) -> NDArray[Any]:
    given = model.shunts
    shunt = initialize_array(DatasetType.input, ComponentType.shunt, len(given.codes))
    shunt["id"] = first_id + np.arange(len(given.codes))
    shunt["node"] = given.node
    shunt["status"] = 1
    shunt["g1"] = 0.0
    shunt["b1"] = -given.q_kvar / (model.nodes.nominal_kv[given.node] ** 2 * 1e3)  # kvar and kV to siemens
    return shunt
