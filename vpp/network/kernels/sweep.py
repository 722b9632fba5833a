"""Backward/forward sweep for radial feeders: the second opinion on ``power_flow``, in plain numpy.

Shirmohammadi et al. (1988), IEEE Trans. Power Systems 3(2), doi:10.1109/59.192932, all intervals at once.
"""

from __future__ import annotations

import numpy as np

from vpp.network.kernels.feeder import FeederModel, Floats
from vpp.network.kernels.radial import BASE_KVA, build_tree


def sweep_voltages_pu(
    model: FeederModel,
    p_kw: Floats,
    q_kvar: Floats | None = None,
    *,
    tolerance_pu: float = 1e-10,
    max_iterations: int = 200,
) -> Floats:
    """(H, N) voltage magnitudes for (H, N) injections in load convention; NaN at nodes the source does not reach.

    Raises NotRadial for a meshed feeder and ArithmeticError without convergence.
    """
    tree = build_tree(model)
    q_kvar = np.zeros_like(p_kw) if q_kvar is None else q_kvar
    power_pu = (np.asarray(p_kw) + 1j * np.asarray(q_kvar)).T / BASE_KVA  # (N, H): rows are contiguous per node
    no_load = np.full(power_pu.shape[0], np.nan + 0j)
    no_load[tree.source_node] = tree.source_v_pu
    for edge in range(tree.child.size):
        no_load[tree.child[edge]] = no_load[tree.parent[edge]] * tree.ratio[edge]
    reached = ~np.isnan(no_load)
    voltage = np.repeat(no_load[:, None], power_pu.shape[1], axis=1)
    for _ in range(max_iterations):
        with np.errstate(invalid="ignore", divide="ignore"):
            current = np.conj(power_pu / voltage) + tree.shunt_pu[:, None] * voltage
        current[~reached] = 0
        for edge in range(tree.child.size - 1, -1, -1):  # backward: gather currents towards the source
            current[tree.parent[edge]] += current[tree.child[edge]] * tree.ratio[edge]
        before = voltage.copy()
        for edge in range(tree.child.size):  # forward: voltages away from the source
            child = tree.child[edge]
            voltage[child] = voltage[tree.parent[edge]] * tree.ratio[edge] - tree.impedance_pu[edge] * current[child]
        if np.nanmax(np.abs(voltage - before)) < tolerance_pu:
            return np.abs(voltage).T
    raise ArithmeticError(f"the sweep did not converge in {max_iterations} iterations")
