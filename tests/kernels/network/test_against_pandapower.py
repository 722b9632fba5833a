"""Our mapping of SimBench grids and power-grid-model's answer, held against simbench and pandapower themselves."""

import numpy as np
import pytest

from vpp.network.kernels.document import feeder_model
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.sweep import sweep_voltages_pu
from vpp.simulation.grids.simbench_network import code_of, network_document
from vpp.simulation.grids.simbench_tables import read_grid

pytestmark = pytest.mark.slow(seconds=60)
LOAD, GENERATION = 0.7, 0.4


def net_of(code):
    simbench = pytest.importorskip("simbench")
    net = simbench.get_simbench_net(code)
    net.trafo["tap_changer_type"] = "Ratio"  # the converter leaves it empty, and taps would be ignored
    net.load["scaling"], net.sgen["scaling"], net.storage["scaling"] = LOAD, GENERATION, 0.0
    pytest.importorskip("pandapower").runpp(net, tolerance_mva=1e-10, numba=False)
    return net


def ours_of(code):
    tables = read_grid(code)
    model = feeder_model(network_document(tables))
    index = model.node_index
    p_kw, q_kvar = np.zeros((1, len(index))), np.zeros((1, len(index)))
    for row in tables.load.itertuples():
        node = index[code_of(tables.node_of[row.node])]
        p_kw[0, node] += LOAD * row.pLoad * 1e3
        q_kvar[0, node] += LOAD * row.qLoad * 1e3
    for row in tables.res.itertuples():
        p_kw[0, index[code_of(tables.node_of[row.node])]] -= GENERATION * row.pRES * 1e3
    return model, p_kw, q_kvar


@pytest.mark.parametrize(
    "code",
    [pytest.param("1-LV-rural1--2-sw", marks=pytest.mark.thorough), "1-MVLV-semiurb-5.220-2-no_sw"],
)
def test_a_simbench_grid_agrees_with_pandapower(code):
    net = net_of(code)
    model, p_kw, q_kvar = ours_of(code)
    result = run_power_flow(model, p_kw, q_kvar)
    theirs = dict(zip(map(code_of, net.bus.name), net.res_bus.vm_pu, strict=True))
    voltages = [theirs[name] for name in model.nodes.codes]  # every node of ours is a bus of theirs
    assert np.abs(result.voltage_pu[0] - voltages).max() < 3e-6
    assert np.abs(sweep_voltages_pu(model, p_kw, q_kvar)[0] - voltages).max() < 3e-6
    lines = dict(zip(map(code_of, net.line.name), net.res_line.loading_percent / 100, strict=True))
    assert np.abs(result.branch_loading_pu[0] - [lines[name] for name in model.branches.codes]).max() < 1e-4
    transformers = dict(zip(map(code_of, net.trafo.name), net.res_trafo.loading_percent / 100, strict=True))
    assert result.transformer_loading_pu[0] == pytest.approx(
        [transformers[name] for name in model.transformers.codes], abs=1e-4
    )
