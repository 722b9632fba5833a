"""Grids in other people's formats, read without their libraries and held against pandapower."""

from __future__ import annotations

import csv
import json
from dataclasses import fields
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tests.kernels.network.grids import low_voltage_feeder
from vpp.network.kernels.document import ROW_TYPES, as_json, feeder_model
from vpp.network.kernels.parsing import parse
from vpp.network.kernels.power_flow import run_power_flow
from vpp.network.kernels.readers.choice import read
from vpp.network.kernels.readers.pandapower_frames import position_of
from vpp.network.kernels.sweep import sweep_voltages_pu
from vpp.network.kernels.validation import validate

LOAD, GENERATION = 0.7, 0.4
#: pandapower net name of a SimBench grid, its size, and whether its switches stay.
SIMBENCH = (
    "1-LV-rural1--2-no_sw",
    "1-MV-semiurb--2-sw",
    pytest.param("1-LV-urban6--2-no_sw", marks=pytest.mark.thorough),
    pytest.param("1-MV-rural--2-no_sw", marks=pytest.mark.thorough),
)


@pytest.fixture(scope="module")
def pandapower():
    return pytest.importorskip("pandapower")


@pytest.fixture(scope="module")
def simbench_data(tmp_path_factory):
    """SimBench's own tables with the first rows of its (large) profiles only."""
    package = pytest.importorskip("simbench")
    source = Path(package.__file__).parent / "networks" / "1-complete_data-mixed-all-2-sw"
    target = tmp_path_factory.mktemp("simbench")
    for path in source.glob("*.csv"):
        if path.stem.endswith("Profile"):
            with path.open() as stream:
                (target / path.name).write_text("".join(islice(stream, 3)))
        else:
            (target / path.name).symlink_to(path)
    return str(target)


def saved(net, folder):
    import pandapower

    path = folder / "net.json"
    pandapower.to_json(net, str(path))
    return path


def document_of(path, **options):
    data, findings = read(path, **options)
    assert findings == []
    document, findings = parse(data)
    assert findings == [] == validate(document)
    return document


@pytest.mark.parametrize(
    ("geo", "there"),
    [
        ('{"coordinates": [11.4, 53.6], "type": "Point"}', True),
        ('{"coordinates": [0.0, 0.0], "type": "Point"}', False),  # a drawing begins there
        ('{"coordinates": [40.0, 700.0], "type": "Point"}', False),
        ("", False), (None, False), (float("nan"), False), ("[]", False), ('{"coordinates": ["a"]}', False),
    ],
)  # fmt: skip
def test_a_bus_of_pandapower_stands_where_its_geo_json_says(geo, there):
    assert position_of(geo) == ({"latitude_deg": 53.6, "longitude_deg": 11.4} if there else {})


def injections(net, document, codes):
    """The net's loads and generators at our nodes; ``codes`` maps a bus to its node."""
    index = feeder_model(document).node_index
    p_kw, q_kvar = np.zeros((1, len(index))), np.zeros((1, len(index)))
    for table, sign, scale in ((net.load, 1, LOAD), (net.sgen, -1, GENERATION)):
        for row in table[table.in_service].itertuples():
            node = index[codes[row.bus]]
            p_kw[0, node] += sign * scale * row.p_mw * 1e3
            q_kvar[0, node] += sign * scale * row.q_mvar * 1e3
    return p_kw, q_kvar


def node_codes(net, path):
    """pandapower's bus index -> node code, by the same fusing of buses that the reader did."""
    from vpp.network.kernels.readers.fusing import fuse
    from vpp.network.kernels.readers.pandapower_frames import tables_of
    from vpp.network.kernels.readers.pandapower_json import _closed_couplers, _codes

    tables = tables_of(json.loads(path.read_text()))
    buses = {index: row for index, row in tables["bus"].items() if row["in_service"]}
    fused = fuse(buses, _closed_couplers(tables))
    codes = _codes(buses, fused)
    return {bus: codes[fused[bus]] for bus in buses}


@pytest.mark.slow
@pytest.mark.parametrize("code", SIMBENCH)
def test_a_simbench_feeder_agrees_with_pandapower(code, pandapower, simbench_data, tmp_path):
    """1e-6 pu with the same transformer model (pi), 3e-5 with pandapower's own default (t)."""
    net = pytest.importorskip("simbench").get_simbench_net(code, input_path=simbench_data)
    net.trafo["tap_changer_type"] = "Ratio"  # the converter leaves it empty, and taps would be ignored
    net.load["scaling"], net.sgen["scaling"], net.storage["scaling"] = LOAD, GENERATION, 0.0
    path = saved(net, tmp_path)
    codes = node_codes(net, path)
    document = document_of(path)
    model = feeder_model(document)
    p_kw, q_kvar = injections(net, document, codes)
    result = run_power_flow(model, p_kw, q_kvar)
    index = model.node_index
    ours = np.array([result.voltage_pu[0, index[codes[bus]]] for bus in net.bus.index])
    for transformer_model, tolerance_pu in (("pi", 1e-6), ("t", 3e-5)):
        pandapower.runpp(net, tolerance_mva=1e-10, numba=False, trafo_model=transformer_model)
        theirs = net.res_bus.vm_pu.to_numpy()
        alive = np.isfinite(theirs)
        assert np.abs(ours - theirs)[alive].max() < tolerance_pu
    swept = sweep_voltages_pu(model, p_kw, q_kvar)
    assert np.nanmax(np.abs(swept - result.voltage_pu)) < 1e-6


@pytest.mark.slow
def test_the_33_bus_feeder_has_its_published_losses_and_lowest_voltage(pandapower, tmp_path):
    """Baran & Wu (1989): 202.68 kW and 0.9131 pu; five open ties stay open."""
    net = pytest.importorskip("pandapower.networks").case33bw()
    path = saved(net, tmp_path)
    document = document_of(path, feeder="CASE33")
    codes = node_codes(net, path)
    model = feeder_model(document)
    index = model.node_index
    p_kw, q_kvar = np.zeros((1, 33)), np.zeros((1, 33))
    for row in net.load.itertuples():
        p_kw[0, index[codes[row.bus]]] += row.p_mw * 1e3
        q_kvar[0, index[codes[row.bus]]] += row.q_mvar * 1e3
    result = run_power_flow(model, p_kw, q_kvar)
    assert result.source_p_kw[0] - p_kw.sum() == pytest.approx(202.68, abs=0.005)
    assert result.voltage_pu.min() == pytest.approx(0.9131, abs=5e-5)
    assert np.abs(sweep_voltages_pu(model, p_kw, q_kvar) - result.voltage_pu).max() < 1e-7
    pandapower.runpp(net, tolerance_mva=1e-10, numba=False)
    theirs = {codes[bus]: v for bus, v in net.res_bus.vm_pu.items()}
    assert np.abs(result.voltage_pu[0] - [theirs[name] for name in model.nodes.codes]).max() < 1e-6


@pytest.mark.slow
def test_a_simbench_folder_is_the_grid_that_pandapower_makes_of_it(pandapower, simbench_data, tmp_path):
    simbench = pytest.importorskip("simbench")
    net = simbench.get_simbench_net("1-LV-rural2--2-sw", input_path=simbench_data)
    simbench.pp2csv(net, str(tmp_path), export_pp_std_types=False, drop_inactive_elements=False)
    document = document_of(tmp_path)
    assert len(document.transformers) == 1
    through_json = document_of(saved(net, tmp_path))
    assert len(document.nodes) == len(through_json.nodes)
    assert sorted(round(row.r_ohm, 9) for row in document.branches) == sorted(
        round(row.r_ohm, 9) for row in through_json.branches
    )


def test_what_has_no_counterpart_is_named_instead_of_left_out(pandapower, tmp_path):
    net = pandapower.create_empty_network(name="odd")
    high, low = (pandapower.create_bus(net, vn_kv=kv) for kv in (20.0, 0.4))
    pandapower.create_ext_grid(net, high)
    pandapower.create_transformer(net, high, low, "0.25 MVA 20/0.4 kV")
    pandapower.create_impedance(net, high, low, 0.01, 0.01, 1.0)
    net.trafo["tap_changer_type"] = "Ideal"
    _, findings = read(saved(net, tmp_path))
    assert {(item.rule, item.section) for item in findings} == {
        ("unsupported_element", "impedance"),
        ("unsupported_element", "transformers"),
    }


def test_zero_impedance_and_an_island_of_a_pandapower_net_are_found(pandapower, tmp_path):
    net = pandapower.create_empty_network(name="bad")
    buses = [pandapower.create_bus(net, vn_kv=20.0, name=f"B{n}") for n in range(4)]
    pandapower.create_ext_grid(net, buses[0])
    values = {"length_km": 1.0, "x_ohm_per_km": 0.0, "c_nf_per_km": 0.0, "max_i_ka": 0.2}
    pandapower.create_line_from_parameters(net, buses[0], buses[1], r_ohm_per_km=0.0, **values)
    pandapower.create_line_from_parameters(net, buses[2], buses[3], r_ohm_per_km=0.1, **values)
    data, findings = read(saved(net, tmp_path))
    assert findings == []
    document, findings = parse(data)
    assert findings == []
    assert {(item.rule, item.codes) for item in validate(document)} == {
        ("zero_impedance", ("bad-line-0",)),
        ("island", ("B2", "B3")),
    }


def test_a_folder_of_tables_is_the_same_grid_as_the_network_file(tmp_path):
    document = low_voltage_feeder()
    for section, rows in as_json(document).items():
        if not rows:
            continue
        with (tmp_path / f"{section}.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [part.name for part in fields(ROW_TYPES[section])])
            writer.writeheader()
            writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    assert document_of(tmp_path) == document


def test_every_bad_cell_of_a_folder_is_named(tmp_path):
    (tmp_path / "nodes.csv").write_text("code,feeder,nominal_kv,colour\nA,F,twenty,red\nB,F,,\nC,F,20\n")
    data, findings = read(tmp_path)
    assert findings == []
    found = {(item.rule, item.field, item.codes) for item in parse(data)[1]}
    assert found == {
        ("wrong_type", "nominal_kv", ("A",)),
        ("unknown_field", "colour", ("A",)),
        ("missing_field", "nominal_kv", ("B",)),
    }


@pytest.mark.parametrize(
    "text", ["{ not json", '{"_class": "pandapowerNet"}', '{"_class": "pandapowerNet", "_object": []}']
)
def test_a_file_that_is_no_grid_is_a_finding(tmp_path, text):
    path = tmp_path / "grid.json"
    path.write_text(text)
    assert [item.rule for item in read(path)[1]] == ["unreadable"]
    assert [item.rule for item in read(tmp_path / "empty")[1]] == ["unreadable"]
    assert [item.rule for item in read(path, "visio")[1]] == ["unreadable"]
