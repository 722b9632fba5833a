"""Versions of the switching state: by import and by switching, at their moments, and only what is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from tests.factories import make_participant
from tests.kernels.network.grids import low_voltage_feeder
from vpp.lib.periods import DeliveryDay
from vpp.network import operations, queries
from vpp.network.kernels.document import RegulatorRow, ShuntRow, as_json
from vpp.network.models import Regulator, Shunt, TopologyVersion

pytestmark = pytest.mark.django_db
DAY = DeliveryDay(date(2016, 7, 14), "Europe/Berlin")


@pytest.fixture
def utility(at):
    utility = make_participant(kind="UTILITY", code="dso")
    report = operations.import_network(as_json(low_voltage_feeder()), utility=utility, at=at)
    assert report.versions == {"LV": 1}
    return utility


def test_the_same_file_again_is_the_same_version_and_a_changed_one_the_next(utility, at):
    again = operations.import_network(as_json(low_voltage_feeder()), utility=utility, at=at)
    assert again.versions == {"LV": 1}
    changed = low_voltage_feeder()
    changed = replace(changed, branches=[replace(row, rating_a=200.0) for row in changed.branches])
    assert operations.import_network(as_json(changed), utility=utility, at=at).versions == {"LV": 2}
    assert queries.topology_at("LV", at).cause == "IMPORT"


def test_a_day_is_screened_under_the_state_of_each_interval(utility, at):
    noon = DAY.start + timedelta(hours=12)
    switches = {"L2": [False, False], "TIE": [True, True]}
    made = operations.switch("LV", switches, at=at, actor="test", reason="repair", valid_from=noon)
    assert (made.version, made.normal) == (2, False)
    series = {"N2": np.full(96, 60.0)}
    result = operations.screen("LV", series, DAY.starts64(), at)
    assert result.topology_versions == (1, 2)
    before, after = result.voltage_pu[47], result.voltage_pu[48]
    place = result.node_codes.index("N2")
    assert before[place] != pytest.approx(after[place], abs=1e-6)
    again = operations.switch("LV", switches, at=at, actor="test", reason="repair", valid_from=noon)
    assert again == made
    back = operations.switch(
        "LV", {"L2": [True, True], "TIE": [True, False]}, at=at, actor="test", reason="done", valid_from=noon
    )
    assert (back.version, back.normal, back.switches) == (3, True, {})


def test_nobody_is_left_in_the_dark_by_mistake(utility, at):
    with pytest.raises(operations.BadSwitching) as refused:
        operations.switch("LV", {"L2": [False, False]}, at=at, actor="test", reason="x")
    assert refused.value.details["unsupplied"] == ["N2"]
    with pytest.raises(operations.BadSwitching, match="no such"):
        operations.switch("LV", {"L99": [False, False]}, at=at, actor="test", reason="x")
    answer = operations.try_switching("LV", {"TIE": [True, True]}, at=at)
    assert (answer.unsupplied, answer.radial) == ((), False)
    operations.switch("LV", {"L2": [False, False]}, at=at, actor="test", reason="meant", allow_unsupplied=True)
    result = operations.screen("LV", {"N2": np.full(96, 5.0)}, DAY.starts64(), at)
    assert {item.kind for item in result.violations} == {"not_supplied"}


def test_versions_are_append_only_and_survive_an_import(utility, at):
    operations.switch("LV", {"L2": [False, False], "TIE": [True, True]}, at=at, actor="test", reason="repair")
    with pytest.raises(IntegrityError), transaction.atomic():
        TopologyVersion.objects.update(reason="other")
    changed = low_voltage_feeder(tap_position=1)
    operations.import_network(as_json(changed), utility=utility, at=at)
    assert queries.topology_at("LV", at).switches == {"L2": [False, False], "TIE": [True, True]}


def test_regulators_and_capacitors_are_stored_and_calculated_with(utility, at):
    document = replace(
        low_voltage_feeder(),
        regulators=[RegulatorRow("R", "LV", "T1", 1.0, 0.03, -5, 5)],
        shunts=[ShuntRow("C", "LV", "N2", -10.0)],
    )
    operations.import_network(as_json(document), utility=utility, at=at)
    assert (Regulator.objects.count(), Shunt.objects.count()) == (1, 1)
    model = queries.feeder_model("LV")
    assert (model.regulators.codes, model.shunts.q_kvar.tolist()) == (("R",), [-10.0])
    result = operations.screen("LV", {"N1": np.full(96, 90.0)}, DAY.starts64(), at)
    assert abs(result.voltage_pu[0, 1] - 1.0) <= 0.0151


def test_wrong_phases_and_regulators_are_findings(utility, at):
    document = low_voltage_feeder()
    nodes = [replace(row, phases="A") if row.code == "N2" else row for row in document.nodes]
    broken = replace(document, nodes=nodes, regulators=[RegulatorRow("R", "LV", "T1", 1.0, 0.02, 5, -5)])
    with pytest.raises(operations.NetworkRefused) as refused:
        operations.import_network(as_json(broken), utility=utility, at=at)
    assert {item.rule for item in refused.value.findings} == {"phase_mismatch", "out_of_range"}
