from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.factories import make_client, make_participant
from tests.kernels.network.grids import low_voltage_feeder
from vpp.lib.periods import DeliveryDay
from vpp.network import operations, queries
from vpp.network.kernels.document import (
    BranchRow,
    CongestionPointRow,
    FeederRow,
    NodeRow,
    SourceRow,
    SubstationRow,
    as_json,
    feeder_model,
)
from vpp.network.models import CongestionPoint, Feeder

pytestmark = pytest.mark.django_db
POINT = "ea1.2016-01.vpp.example:LV"
DAY = DeliveryDay(date(2016, 7, 14), "Europe/Berlin")


def two_feeders():
    """The low-voltage feeder hangs on the end of a medium-voltage line."""
    low = low_voltage_feeder()
    return replace(
        low,
        substations=[*low.substations, SubstationRow("S2")],
        feeders=[*low.feeders, FeederRow("MVF", "S2", power_factor=1.0)],
        nodes=[replace(row, feeder="MVF") if row.code == "MV" else row for row in low.nodes]
        + [NodeRow("HEAD", "MVF", 20.0)],
        branches=[*low.branches, BranchRow("M1", "MVF", "HEAD", "MV", 0.3, 0.4, 100.0, 200.0)],
        sources=[*low.sources, SourceRow("MVF", "HEAD", 1.0)],
        congestion_points=[CongestionPointRow(POINT, "LV", 200.0, transformer="T1")],
    )


@pytest.fixture
def utility(at):
    utility = make_participant(kind="UTILITY", code="dso")
    operations.import_network(as_json(two_feeders()), utility=utility, at=at)
    return utility


def series(value):
    return np.full(DAY.n_intervals, float(value))


def test_the_stored_grid_is_the_grid_of_the_file(utility):
    stored, given = queries.feeder_model("LV"), feeder_model(two_feeders(), ["LV"])
    assert set(stored.nodes.codes) == set(given.nodes.codes)
    assert stored.branches.codes == given.branches.codes
    assert stored.transformers.rated_kva == pytest.approx(given.transformers.rated_kva)
    assert [stored.nodes.codes[node] for node in stored.sources.node] == ["MV"]


def test_screening_finds_what_is_broken_and_when(utility, at):
    load_kw = series(20)
    load_kw[70:74] = 260
    result = operations.screen("LV", {"N1": load_kw}, DAY.starts64(), at)
    assert not result.safe
    assert {item.interval for item in result.violations} == {70, 71, 72, 73}
    assert {item.kind for item in result.violations} >= {"transformer_overload", "power_limit", "branch_overload"}
    assert result.voltage_pu.shape == (96, 6)
    assert operations.screen("LV", {"N1": series(20)}, DAY.starts64(), at).safe


def test_consumption_without_kvar_has_the_feeders_power_factor(utility, at):
    given = operations.screen("LV", {"N1": series(100)}, DAY.starts64(), at)
    explicit = operations.screen(
        "LV", {"N1": series(100)}, DAY.starts64(), at, node_injection_kvar={"N1": series(100 * 0.328684)}
    )
    pure = operations.screen("LV", {"N1": series(100)}, DAY.starts64(), at, node_injection_kvar={})
    assert given.transformer_loading_pu == pytest.approx(explicit.transformer_loading_pu, rel=1e-5)
    assert (pure.transformer_loading_pu < given.transformer_loading_pu).all()


def test_a_lower_feeder_counts_where_it_hangs_on_the_upper_one(utility, at):
    below = operations.screen("MVF", {"N1": series(100), "N3": series(50)}, DAY.starts64(), at)
    lumped = operations.screen("MVF", {"MV": series(150)}, DAY.starts64(), at)
    assert below.voltage_pu == pytest.approx(lumped.voltage_pu)


def test_a_clock_change_day_is_screened_with_its_own_length(utility, at):
    for day in (date(2016, 3, 27), date(2016, 10, 30)):
        starts64 = DeliveryDay(day, "Europe/Berlin").starts64()
        result = operations.screen("LV", {"N1": np.full(len(starts64), 5.0)}, starts64, at)
        assert result.voltage_pu.shape[0] == len(starts64) in (92, 100)


def test_unknown_names_and_other_time_grids_are_refused(utility, at):
    with pytest.raises(operations.UnknownNode):
        operations.screen("LV", {"HEAD": series(1)}, DAY.starts64(), at)
    with pytest.raises(operations.WrongSeries):
        operations.screen("LV", {"N1": np.zeros(95)}, DAY.starts64(), at)
    with pytest.raises(queries.UnknownFeeder):
        operations.screen("LV9", {}, DAY.starts64(), at)


def test_limits_for_the_bidder_are_the_tightest_of_rating_and_congestion_point(utility):
    limits = queries.feeder_limits("LV", DAY)
    assert limits.import_limit_kw.tolist() == [200.0] * 96 == limits.export_limit_kw.tolist()
    CongestionPoint.objects.update(limit_kw=1000.0)
    assert queries.feeder_limits("LV", DAY).import_limit_kw[0] == pytest.approx(250 * 0.95)
    assert np.isinf(queries.feeder_limits("nobody's", DAY).import_limit_kw).all()


def test_a_connection_is_refused_for_what_it_adds_only(utility, at):
    base = {"N1": series(150)}
    ask = {"node_injection_kw": base, "starts64": DAY.starts64(), "at": at}
    assert operations.check_connection("N3", import_kw=20, export_kw=20, **ask).fits
    answer = operations.check_connection("N3", import_kw=120, export_kw=0, **ask)
    assert not answer.fits
    assert {item.element_code for item in answer.added} >= {"T1"}
    with pytest.raises(operations.UnknownNode):
        operations.check_connection("N99", import_kw=1, export_kw=0, **ask)


def test_a_utility_sees_its_own_congestion_points_and_nobody_elses(utility, client):
    make_client(kind="UTILITY")  # a stranger
    for kind, expected in (("AGGREGATOR", [POINT]), ("UTILITY", []), ("OWNER", []), ("MARKET", [])):
        _, token = make_client(kind=kind)
        answer = client.get("/api/v1/congestion-points", headers={"Authorization": f"Bearer {token}"})
        assert [row["code"] for row in answer.json()["results"]] == expected, kind
    from vpp.accounts import operations as accounts

    _, token = accounts.create_client(participant=utility, name="dso", scopes=("read",), at=DAY.start)
    headers = {"Authorization": f"Bearer {token}"}
    row = client.get("/api/v1/congestion-points?feeder=LV", headers=headers).json()["results"][0]
    assert row == {
        "code": POINT, "utility": "dso", "feeder": "LV", "transformer": "T1", "branch": None, "limit_kw": 200.0
    }  # fmt: skip
    assert client.get(f"/api/v1/congestion-points/{POINT}", headers=headers).status_code == 200
    codes = [feeder["code"] for feeder in client.get("/api/v1/feeders", headers=headers).json()["results"]]
    assert codes == ["LV", "MVF"]
    assert Feeder.objects.visible_to(utility.api_clients.get()).count() == 2


def test_the_admin_lists_every_table_of_the_network(utility, admin_client):
    for model in ("substation", "feeder", "node", "branch", "transformer", "source", "congestionpoint"):
        assert admin_client.get(f"/admin/network/{model}/?q=L").status_code == 200, model
