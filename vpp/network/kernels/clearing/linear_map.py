"""How every monitored quantity answers to a kW and a kvar at each node: LinDistFlow where the feeder is radial, finite
differences of the power flow where it is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vpp.network.kernels.feeder import FeederModel, Floats
from vpp.network.kernels.power_flow import PowerFlowResult, run_power_flow
from vpp.network.kernels.radial import BASE_KVA, NotRadial
from vpp.network.kernels.sensitivities import radial_sensitivities

PROBE_KW = 1.0


@dataclass(frozen=True)
class LinearMap:
    """Change per kW (``_p``) and kvar (``_q``) more consumption at the column's node.

    v2_p, v2_q        : (N, N) of the squared voltage, pu.
    flow_p, flow_q    : (B + T, N) of a branch's active flow from its from-node (a transformer's from its high side) per
        kW, and of its reactive flow per kvar. source_p: (N,) of the power from above per kW.
    """

    v2_p: Floats
    v2_q: Floats
    flow_p: Floats
    flow_q: Floats
    source_p: Floats


def linear_map(model: FeederModel, p_kw: Floats, q_kvar: Floats) -> LinearMap:
    """The map of a feeder; p_kw, q_kvar (N,) is the state that finite differences start from, if they are needed."""
    try:
        return _radial(model)
    except NotRadial:
        return probed(model, p_kw, q_kvar)


def _radial(model: FeederModel) -> LinearMap:
    sensitivities = radial_sensitivities(model)
    path, element = sensitivities.path, sensitivities.element
    branches, transformers = model.branches, model.transformers
    in_use = int((branches.from_closed & branches.to_closed).sum() + transformers.closed.sum())
    if in_use != element.size:
        raise NotRadial("parallel elements, or some that no source reaches, share no single path")
    scale = -2.0 / BASE_KVA
    v2_p = scale * (path.T * sensitivities.r_pu) @ path
    v2_q = scale * (path.T * sensitivities.x_pu) @ path
    n_branches = len(branches.codes)
    flow = np.zeros((n_branches + len(transformers.codes), path.shape[1]))
    flow[element] = path
    depth = path.sum(axis=0)
    backwards = depth[branches.from_node] > depth[branches.to_node]
    flow[:n_branches][backwards] *= -1
    return LinearMap(v2_p, v2_q, flow, flow, np.ones(path.shape[1]))


def probed(model: FeederModel, p_kw: Floats, q_kvar: Floats) -> LinearMap:
    """Central differences over one power flow per node, power and direction."""
    count = p_kw.size
    probe = np.eye(count) * PROBE_KW
    still = np.zeros((count, count))
    p_steps = np.vstack([probe, -probe, still, still])
    q_steps = np.vstack([still, still, probe, -probe])
    result = run_power_flow(model, p_kw + p_steps, q_kvar + q_steps)

    def slope(values: Floats, first: int) -> Floats:
        values = np.nan_to_num(values)
        ahead, back = values[first : first + count], values[first + count : first + 2 * count]
        return (ahead - back).T / (2 * PROBE_KW)

    v2 = result.voltage_pu**2
    flow_p, flow_q = _flows(result)
    return LinearMap(
        v2_p=slope(v2, 0),
        v2_q=slope(v2, 2 * count),
        flow_p=slope(flow_p, 0),
        flow_q=slope(flow_q, 2 * count),
        source_p=slope(result.source_p_kw[:, None], 0)[0],
    )


def _flows(result: PowerFlowResult) -> tuple[Floats, Floats]:
    """(H, B + T) active and reactive flow of branches and transformers."""
    return (
        np.hstack([result.branch_p_kw, result.transformer_p_kw]),
        np.hstack([result.branch_q_kvar, result.transformer_q_kvar]),
    )
