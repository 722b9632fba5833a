import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.network.grids import low_voltage_feeder
from vpp.network.kernels.document import CongestionPointRow, NodeRow, as_json
from vpp.network.kernels.parsing import parse
from vpp.network.kernels.validation import validate


def rules(document):
    return {(finding.rule, finding.section, finding.field, finding.codes) for finding in validate(document)}


def test_a_good_grid_has_no_findings():
    assert validate(low_voltage_feeder()) == []


def test_writing_and_reading_a_document_gives_it_back():
    document = low_voltage_feeder()
    assert parse(json.loads(json.dumps(as_json(document)))) == (document, [])


def test_all_findings_come_at_once():
    good = low_voltage_feeder()
    broken = replace(
        good,
        nodes=[*good.nodes, good.nodes[1], replace(good.nodes[2], code="V", v_min_pu=1.2)],
        branches=[
            replace(good.branches[0], r_ohm=0.0, x_ohm=0.0),
            replace(good.branches[1], rating_a=-5.0, to_node="NOWHERE"),
            *good.branches[2:],
        ],
        transformers=[replace(good.transformers[0], vkr_percent=5.0, rated_kva=0.0)],
        congestion_points=[CongestionPointRow("cp", "LV", -1.0, transformer="T1", branch="L1")],
    )
    assert rules(broken) == {
        ("duplicate_code", "nodes", "code", ("BB",)),
        ("out_of_range", "nodes", "v_max_pu", ("V",)),
        ("zero_impedance", "branches", "x_ohm", ("L1",)),
        ("negative_rating", "branches", "rating_a", ("L2",)),
        ("unknown_reference", "branches", "to_node", ("L2",)),
        ("out_of_range", "transformers", "vkr_percent", ("T1",)),
        ("negative_rating", "transformers", "rated_kva", ("T1",)),
        ("negative_rating", "congestion_points", "limit_kw", ("cp",)),
        ("two_elements", "congestion_points", "branch", ("cp",)),
    }


def test_nodes_that_no_source_reaches_are_an_island():
    good = low_voltage_feeder()
    opened = [replace(row, from_closed=False) if row.code == "L2" else row for row in good.branches]
    assert rules(replace(good, branches=opened)) == {("island", "nodes", "code", ("N2",))}
    assert rules(replace(good, sources=[])) == {("island", "nodes", "code", tuple(row.code for row in good.nodes))}


def test_a_node_stands_somewhere_on_earth_or_nowhere():
    good = low_voltage_feeder()
    places = [(53.6, 11.4), (None, None), (91.0, 11.4), (53.6, -181.0), (53.6, None)]
    nodes = [
        replace(node, latitude_deg=north, longitude_deg=east)
        for node, (north, east) in zip(good.nodes, places, strict=False)
    ]
    codes = [row.code for row in nodes]
    assert rules(replace(good, nodes=[*nodes, *good.nodes[len(nodes) :]])) == {
        ("out_of_range", "nodes", "latitude_deg", (codes[2],)),
        ("out_of_range", "nodes", "longitude_deg", (codes[3],)),
        ("missing_field", "nodes", "longitude_deg", (codes[4],)),
    }


def test_an_addition_may_hang_on_what_is_stored():
    good = low_voltage_feeder()
    addition = replace(
        good,
        substations=[],
        feeders=[],
        nodes=[NodeRow("N9", "LV", 0.4)],
        branches=[replace(good.branches[0], code="L9", from_node="N2", to_node="N9")],
        transformers=[],
        sources=[],
    )
    stored = {"feeders": {"LV"}, "nodes": {row.code for row in good.nodes}}
    assert validate(addition, known=stored) == []
    assert {finding.rule for finding in validate(addition)} == {"unknown_reference"}


@pytest.mark.parametrize(
    ("change", "rule", "field"),
    [
        ({"nominal_kv": "twenty"}, "wrong_type", "nominal_kv"),
        ({"nominal_kv": float("nan")}, "wrong_type", "nominal_kv"),
        ({"nominal_kv": True}, "wrong_type", "nominal_kv"),
        ({"code": ""}, "wrong_type", "code"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_a_row_of_the_wrong_shape_is_named(change, rule, field):
    data = as_json(low_voltage_feeder())
    data["nodes"][0] |= change
    _, findings = parse(data)
    assert [(finding.rule, finding.section, finding.field) for finding in findings] == [(rule, "nodes", field)]


def test_missing_fields_unknown_sections_and_other_shapes_are_named():
    data: dict[str, Any] = dict(as_json(low_voltage_feeder()))
    del data["branches"][0]["r_ohm"]
    data["branchs"] = []
    data["sources"] = {}
    data["feeders"] = ["LV"]
    found = {(finding.rule, finding.section, finding.field) for finding in parse(data)[1]}
    assert found == {
        ("missing_field", "branches", "r_ohm"),
        ("unknown_section", "branchs", ""),
        ("not_a_list", "sources", ""),
        ("not_an_object", "feeders", ""),
    }
    assert parse([])[1][0].rule == "not_an_object"


def test_a_finding_reads_as_a_sentence():
    good = low_voltage_feeder()
    (finding,) = validate(replace(good, branches=[replace(good.branches[0], r_ohm=-1.0), *good.branches[1:]]))
    assert str(finding) == "branches.r_ohm [L1]: must not be negative, found -1.0 (negative_value)"


def test_the_example_of_the_documentation_is_a_good_grid():
    text = (Path(__file__).parents[3] / "docs" / "files.md").read_text()
    example = text[text.index("    {\n") : text.index("    }\n") + 6]
    document, findings = parse(json.loads(example))
    assert findings == [] == validate(document)
    assert document.congestion_points[0].limit_kw == 200
