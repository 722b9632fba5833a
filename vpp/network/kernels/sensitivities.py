"""Linear network rows for bids: radial path matrix and LinDistFlow.

Baran & Wu (1989), IEEE Trans. Power Delivery 4(2), doi:10.1109/61.25627, without the loss terms. Neglecting losses
overstates the voltage: safe against overvoltage, optimistic against undervoltage, so a plan built on these rows is
checked by ``power_flow`` afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vpp.network.kernels.feeder import FeederModel, Floats, Ints
from vpp.network.kernels.radial import BASE_KVA, build_tree


@dataclass(frozen=True)
class RadialSensitivities:
    """path: (E, N) 1 where edge e lies between the source and node n; a node's power flows through exactly these.

    r_pu, x_pu       : (E,) at 1 MVA.
    no_load_v_pu     : (N,) voltage without injections (source voltage and taps); NaN if not reached.
    element          : (E,) index into branches, or n_branches + transformer index.
    """

    path: Floats
    r_pu: Floats
    x_pu: Floats
    no_load_v_pu: Floats
    element: Ints

    def edge_power_kw(self, p_kw: Floats) -> Floats:
        """(H, E) flow away from the source for (H, N) injections (also usable for kvar)."""
        return p_kw @ self.path.T

    def voltage_pu(self, p_kw: Floats, q_kvar: Floats | None = None) -> Floats:
        """(H, N) by v^2 = v0^2 - 2 (R p + X q)."""
        drop = (self.edge_power_kw(p_kw) * self.r_pu) @ self.path
        if q_kvar is not None:
            drop = drop + (self.edge_power_kw(q_kvar) * self.x_pu) @ self.path
        return np.sqrt(np.maximum(self.no_load_v_pu**2 - 2 * drop / BASE_KVA, 0))

    def voltage_per_kw(self) -> Floats:
        """(N, N) change of the voltage at the row's node per kW more consumption at the column's node, pu/kW."""
        resistance = (self.path.T * self.r_pu) @ self.path
        return -resistance / BASE_KVA / self.no_load_v_pu[:, None]

    def path_resistance_pu(self) -> Floats:
        """(N,) resistance between the source and each node."""
        return self.r_pu @ self.path


def radial_sensitivities(model: FeederModel) -> RadialSensitivities:
    """Raises NotRadial for a meshed feeder."""
    tree = build_tree(model)
    n_edges, n_nodes = tree.child.size, len(model.nodes.codes)
    upstream = np.zeros((n_nodes, n_edges))
    no_load = np.full(n_nodes, np.nan)
    no_load[tree.source_node] = tree.source_v_pu
    for edge in range(n_edges):
        parent, child = tree.parent[edge], tree.child[edge]
        upstream[child] = upstream[parent]
        upstream[child, edge] = 1.0
        no_load[child] = no_load[parent] * tree.ratio[edge]
    return RadialSensitivities(
        path=upstream.T.copy(),
        r_pu=tree.impedance_pu.real,
        x_pu=tree.impedance_pu.imag,
        no_load_v_pu=no_load,
        element=tree.element,
    )
