import json
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from tests.factories import make_participant
from tests.kernels.network.grids import low_voltage_feeder
from vpp.accounts.models import AuditEvent
from vpp.network import operations, queries
from vpp.network.kernels.document import CongestionPointRow, as_json
from vpp.network.models import Branch, CongestionPoint, Feeder, Node, Source, Transformer

pytestmark = pytest.mark.django_db
POINT = "ea1.2016-01.vpp.example:LV"


def document():
    return replace(low_voltage_feeder(), congestion_points=[CongestionPointRow(POINT, "LV", 200.0, transformer="T1")])


@pytest.fixture
def utility():
    return make_participant(kind="UTILITY", code="dso")


def test_a_network_file_is_stored_with_its_limits(utility, at, tmp_path):
    path = tmp_path / "network.json"
    path.write_text(json.dumps(as_json(document())))
    report = operations.import_network(path, utility=utility, at=at)
    assert report.rows == report.made
    assert (Node.objects.count(), Branch.objects.count(), Source.objects.count()) == (6, 5, 1)
    point = CongestionPoint.objects.get()
    assert (point.code, point.feeder.code, point.limit_kw, point.utility) == (POINT, "LV", 200.0, utility)
    assert point.transformer == Transformer.objects.get()
    assert AuditEvent.objects.get(action="network.imported").after == report.rows


def test_where_nodes_stand_is_kept(utility, at):
    placed = as_json(document())
    placed["nodes"][0] |= {"latitude_deg": 53.61, "longitude_deg": 11.42}
    operations.import_network(placed, utility=utility, at=at)
    codes = [node["code"] for node in placed["nodes"]]
    assert queries.node_positions(codes) == {codes[0]: (53.61, 11.42)}
    with pytest.raises(IntegrityError, match="node_position_on_earth"), transaction.atomic():
        Node.objects.filter(code=codes[1]).update(latitude_deg=53.0)


def test_the_same_file_again_changes_nothing_and_a_changed_one_updates(utility, at):
    operations.import_network(as_json(document()), utility=utility, at=at)
    ids = list(Node.objects.order_by("pk").values_list("pk", flat=True))
    again = operations.import_network(as_json(document()), utility=utility, at=at)
    assert set(again.made.values()) == {0}
    assert list(Node.objects.order_by("pk").values_list("pk", flat=True)) == ids
    changed = as_json(document())
    changed["congestion_points"][0]["limit_kw"] = 150.0
    changed["branches"][4]["to_closed"] = True
    operations.import_network(changed, utility=utility, at=at)
    assert CongestionPoint.objects.get().limit_kw == 150.0
    assert Branch.objects.get(code="TIE").closed


def test_with_any_finding_nothing_is_stored_and_all_are_told(utility, at):
    broken = as_json(document())
    broken["branches"][0]["rating_a"] = -1
    broken["branches"][1]["to_node"] = "NOWHERE"
    with pytest.raises(operations.NetworkRefused) as refused:
        operations.import_network(broken, utility=utility, at=at)
    assert {item.rule for item in refused.value.findings} == {"negative_rating", "unknown_reference"}
    assert not Feeder.objects.exists()


def test_a_grid_of_another_utility_cannot_be_overwritten(utility, at):
    operations.import_network(as_json(document()), utility=utility, at=at)
    other = make_participant(kind="UTILITY", code="other-dso")
    with pytest.raises(operations.NetworkRefused) as refused:
        operations.import_network(as_json(document()), utility=other, at=at)
    assert {item.rule for item in refused.value.findings} == {"foreign_code"}


def test_the_command_names_each_finding_and_exits_with_1(at, tmp_path, capsys):
    path = tmp_path / "network.json"
    path.write_text("{ not json")
    with pytest.raises(CommandError) as refused:
        call_command("import_network", path, utility="dso", name="A utility")
    assert refused.value.returncode == 1
    assert "unreadable" in capsys.readouterr().err
    path.write_text(json.dumps(as_json(document())))
    with pytest.raises(CommandError, match="no utility 'nobody'"):
        call_command("import_network", path, utility="nobody")
    call_command("import_network", path, utility="dso")
    assert "nodes: 6 rows, 6 new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Branch, {"rating_a": -1.0}),
        (Branch, {"r_ohm": 0.0, "x_ohm": 0.0}),
        (Node, {"v_min_pu": 1.3}),
        (Transformer, {"rated_kva": 0.0}),
        (Transformer, {"vkr_percent": 50.0}),
        (CongestionPoint, {"limit_kw": 0.0}),
        (Source, {"v_pu": 3.0}),
        (Feeder, {"power_factor": 0.0}),
    ],
)
def test_the_database_itself_refuses_an_impossible_element(utility, at, model, change):
    operations.import_network(as_json(document()), utility=utility, at=at)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.update(**change)
