"""The tree of a radial feeder: edges in order from the source, with impedances in per unit.

Per unit here has every node's own nominal voltage and 1 MVA (1000 kVA) as base. Parallel edges between the same two
nodes become one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.feeder import FeederModel, Floats, Ints, tap_ratio

BASE_KVA = 1000.0
Complexes = NDArray[np.complex128]


class NotRadial(ValueError):
    """The closed grid holds a loop, or more than one source, so there is no tree."""


@dataclass(frozen=True)
class RadialTree:
    """E edges from the source outwards; every edge comes after the one that feeds it.

    parent, child   : (E,) node indices.
    parent_edge     : (E,) edge that feeds this one, -1 at the source.
    impedance_pu    : (E,) series impedance at the child's base.
    ratio           : (E,) child voltage per parent voltage at no load, in per unit (1 for lines).
    shunt_pu        : (N,) admittance to ground (cable charging, iron losses, capacitors) at each node.
    element         : (E,) index into branches, or ``n_branches + transformer``; parallels keep the first.
    source_node, source_v_pu.
    """

    parent: Ints
    child: Ints
    parent_edge: Ints
    impedance_pu: Complexes
    ratio: Floats
    shunt_pu: Complexes
    element: Ints
    source_node: int
    source_v_pu: float


@dataclass(frozen=True)
class _Edges:
    from_node: Ints
    to_node: Ints
    impedance_pu: Complexes  # at the to-node's base
    shunt_from_pu: Complexes
    shunt_to_pu: Complexes
    ratio: Floats  # voltage at the to-node per voltage at the from-node


def build_tree(model: FeederModel) -> RadialTree:
    """The tree of all that the source reaches. Raises NotRadial."""
    if model.sources.node.size != 1:
        raise NotRadial(f"{model.sources.node.size} sources, want 1")
    edges = _edges(model)
    root = int(model.sources.node[0])
    order, flipped = _walk(edges, root, len(model.nodes.codes))
    parent = np.where(flipped, edges.to_node[order], edges.from_node[order])
    child = np.where(flipped, edges.from_node[order], edges.to_node[order])
    feeding = np.full(len(model.nodes.codes), -1, dtype=np.int64)
    feeding[child] = np.arange(order.size)
    ratio = np.where(flipped, 1 / edges.ratio[order], edges.ratio[order])
    impedance = np.where(flipped, edges.impedance_pu[order] / edges.ratio[order] ** 2, edges.impedance_pu[order])
    shunt = _open_end_charging(model)
    np.add.at(shunt, model.shunts.node, -1j * model.shunts.q_kvar / BASE_KVA)
    np.add.at(shunt, edges.from_node[order], edges.shunt_from_pu[order])
    np.add.at(shunt, edges.to_node[order], edges.shunt_to_pu[order])
    return RadialTree(
        parent=parent,
        child=child,
        parent_edge=feeding[parent],
        impedance_pu=impedance,
        ratio=ratio,
        shunt_pu=shunt,
        element=_elements(model)[order],
        source_node=root,
        source_v_pu=float(model.sources.v_pu[0]),
    )


def _walk(edges: _Edges, root: int, n_nodes: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Breadth first: (edges in order, True where an edge is passed from its to-node to its from-node)."""
    at_node: list[list[int]] = [[] for _ in range(n_nodes)]
    for edge, (start, end) in enumerate(zip(edges.from_node, edges.to_node, strict=True)):
        at_node[start].append(edge)
        at_node[end].append(edge)
    seen, used = {root}, set()
    order: list[int] = []
    flipped: list[bool] = []
    queue = deque([root])
    while queue:
        node = queue.popleft()
        for edge in at_node[node]:
            if edge in used:
                continue
            used.add(edge)
            far = int(edges.to_node[edge] if edges.from_node[edge] == node else edges.from_node[edge])
            if far in seen:
                raise NotRadial(f"a loop closes at node {far}")
            seen.add(far)
            order.append(edge)
            flipped.append(bool(edges.to_node[edge] == node))
            queue.append(far)
    return np.array(order, dtype=np.int64), np.array(flipped, dtype=np.bool_)


def _closed(model: FeederModel) -> NDArray[np.bool_]:
    return model.branches.from_closed & model.branches.to_closed


def _elements(model: FeederModel) -> Ints:
    """Element number of each edge after parallels are merged."""
    numbers = np.concatenate(
        [np.flatnonzero(_closed(model)), len(model.branches.codes) + np.flatnonzero(model.transformers.closed)]
    ).astype(np.int64)
    starts, ends = _ends(model)
    return numbers[_first_of_parallels(starts, ends)[0]]


def _ends(model: FeederModel) -> tuple[Ints, Ints]:
    closed = _closed(model)
    in_use = model.transformers.closed
    starts = np.concatenate([model.branches.from_node[closed], model.transformers.hv_node[in_use]])
    ends = np.concatenate([model.branches.to_node[closed], model.transformers.lv_node[in_use]])
    return starts, ends


def _first_of_parallels(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """(positions of the first edge of every pair of nodes, group of every edge)."""
    pairs = np.sort(np.stack([starts, ends], axis=1), axis=1)
    _, first, group = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    return first.astype(np.int64), group.reshape(-1).astype(np.int64)


def _edges(model: FeederModel) -> _Edges:
    closed, branches, nominal_kv = _closed(model), model.branches, model.nodes.nominal_kv
    base_ohm = nominal_kv[branches.from_node[closed]] ** 2 / (BASE_KVA / 1e3)
    line_z = (branches.r_ohm[closed] + 1j * branches.x_ohm[closed]) / base_ohm
    charging = 1j * 2 * np.pi * model.frequency_hz * branches.c_nf[closed] * 1e-9 * base_ohm / 2
    trafo_z, iron, ratio = (values[model.transformers.closed] for values in _transformer_per_unit(model))
    starts, ends = _ends(model)
    first, group = _first_of_parallels(starts, ends)
    admittance = np.zeros(first.size, dtype=np.complex128)
    np.add.at(admittance, group, 1 / np.concatenate([line_z, trafo_z]))
    shunt_from = np.zeros(first.size, dtype=np.complex128)
    shunt_to = np.zeros(first.size, dtype=np.complex128)
    np.add.at(shunt_from, group, np.concatenate([charging, iron / 2 * ratio**2]))
    np.add.at(shunt_to, group, np.concatenate([charging, iron / 2]))
    all_ratios = np.concatenate([np.ones(line_z.size), ratio])
    return _Edges(starts[first], ends[first], 1 / admittance, shunt_from, shunt_to, all_ratios[first])


def _transformer_per_unit(model: FeederModel) -> tuple[Complexes, Complexes, Floats]:
    """Series impedance and magnetising admittance at the low-voltage base, and no-load ratio; (T,) each."""
    given, nominal_kv = model.transformers, model.nodes.nominal_kv
    hv_kv, lv_kv = tap_ratio(given)
    to_base = (lv_kv / nominal_kv[given.lv_node]) ** 2 * BASE_KVA / given.rated_kva
    r = given.vkr_percent / 100
    x = np.sqrt(np.maximum((given.vk_percent / 100) ** 2 - r**2, 0))
    g = given.pfe_kw / given.rated_kva
    b = np.sqrt(np.maximum((given.i0_percent / 100) ** 2 - g**2, 0))
    ratio = (lv_kv / nominal_kv[given.lv_node]) / (hv_kv / nominal_kv[given.hv_node])
    return (r + 1j * x) * to_base, (g - 1j * b) / to_base, ratio


def _open_end_charging(model: FeederModel) -> Complexes:
    """(N,) admittance of branches that hang on one closed end (their series impedance is neglected)."""
    shunt = np.zeros(len(model.nodes.codes), dtype=np.complex128)
    branches = model.branches
    hanging = branches.from_closed ^ branches.to_closed
    node = np.where(branches.from_closed, branches.from_node, branches.to_node)[hanging]
    base_ohm = model.nodes.nominal_kv[node] ** 2 / (BASE_KVA / 1e3)
    np.add.at(shunt, node, 1j * 2 * np.pi * model.frequency_hz * branches.c_nf[hanging] * 1e-9 * base_ohm)
    return shunt
