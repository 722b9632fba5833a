"""Series in any step and form, gaps filled for operations only, and the live poll."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from telemetry import operations, queries
from tests.apps.telemetry.conftest import send
from tests.factories import make_device, make_site
from vpp.lib import clock

T0 = datetime(2016, 7, 13, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def two_hours(fleet):
    """battery: 0 to 7 kW; load: 1 kW throughout but for the third quarter hour."""
    send(*(("battery", T0 + place * QUARTER, float(place)) for place in range(8)), at=T0 + 8 * QUARTER)
    send(*(("load", T0 + place * QUARTER, 1.0) for place in range(8) if place != 2), at=T0 + 8 * QUARTER)
    clock.set_simulated(T0 + 8 * QUARTER)
    return fleet


def ask(client, fleet, *devices: str, **extra: object):
    query = {"device": devices, "start": T0.isoformat(), "end": (T0 + 8 * QUARTER).isoformat(), **extra}
    answer = client.get("/api/v1/series", query, headers=fleet.headers)
    assert answer.status_code == 200, answer.content
    return answer


@pytest.mark.parametrize(
    ("aggregate", "name", "values"),
    [
        ("mean", "power_kw", [1.5, 5.5]),
        ("min", "power_kw", [0.0, 4.0]),
        ("max", "power_kw", [3.0, 7.0]),
        ("energy", "energy_kwh", [1.5, 5.5]),
    ],
)
def test_wider_steps_are_aggregated(client, two_hours, aggregate, name, values):
    series = ask(client, two_hours, "battery", step_minutes=60, aggregate=aggregate).json()["series"]
    assert series == [{"device": "battery", name: values}]


def test_a_total_is_unknown_where_one_device_is(client, two_hours):
    series = ask(client, two_hours, "battery", "load", step_minutes=30, total="true").json()["series"]
    assert series == [{"device": "total", "power_kw": [1.5, None, 5.5, 7.5]}]


def test_gaps_are_filled_on_demand_and_told_apart(client, two_hours):
    (series,) = ask(client, two_hours, "load", fill="true").json()["series"]
    assert series["power_kw"] == [1.0] * 8
    assert series["filled"] == [place == 2 for place in range(8)]
    (plain,) = ask(client, two_hours, "load").json()["series"]
    assert (plain["power_kw"][2], "filled" in plain) == (None, False)


def test_parquet_holds_what_csv_holds_and_can_be_imported_again(client, two_hours, tmp_path):
    import pyarrow.parquet as pq

    from tests.apps.telemetry.test_import import load

    answer = ask(client, two_hours, "battery", "load", download="parquet")
    assert answer["Content-Type"] == "application/vnd.apache.parquet"
    table = pq.read_table(BytesIO(answer.content))
    assert table.column_names == ["time", "battery", "load"]
    assert table.column("time").to_pylist()[1] == T0 + QUARTER
    assert table.column("load").to_pylist() == [1.0, 1.0, None, *[1.0] * 5]
    (tmp_path / "series.parquet").write_bytes(answer.content)
    assert "15 known already" in load(tmp_path / "series.parquet")


def test_settlement_never_asks_for_filled_values():
    """Neither it nor what it asks: the names that fill gaps do not occur in its code."""
    filling = {"filled_power_kw", "fill_gaps", "FILLED"}
    for path in (ROOT / "vpp" / "settlement").rglob("*.py"):
        names = {getattr(node, "id", getattr(node, "attr", getattr(node, "name", ""))) for node in ast.walk(ast.parse(path.read_text()))}  # fmt: skip
        assert not names & filling, path


def test_what_settlement_reads_stays_unknown_where_nothing_was_measured(two_hours):
    load = two_hours.ids[2:]
    filled_kw, put_in = queries.filled_power_kw(load, T0, T0 + 8 * QUARTER)
    assert not np.isnan(filled_kw).any()
    assert put_in.sum() == 1
    assert np.isnan(queries.interval_power_kw(load, T0, T0 + 8 * QUARTER)[0, 2])
    assert len(queries.reading_keys(load[0], T0, T0 + 8 * QUARTER)) == 7


def live(client, fleet, **query: object) -> dict:
    answer = client.get("/api/v1/telemetry/live", query, headers=fleet.headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_live_poll_tells_what_is_new_and_nothing_else(client, two_hours):
    site = two_hours.devices[0].site.code
    first = live(client, two_hours, site=site)
    assert [(reading["device"], reading["power_kw"]) for reading in first["readings"]] == [("battery", 7), ("load", 1)]
    assert live(client, two_hours, site=site, after=first["cursor"])["readings"] == []
    send(("pv", T0 + 8 * QUARTER, -2.0), at=T0 + 9 * QUARTER)
    second = live(client, two_hours, site=site, after=first["cursor"])
    assert [reading["device"] for reading in second["readings"]] == ["pv"]
    assert second["cursor"] > first["cursor"]
    operations.watch(at=T0 + timedelta(hours=9))
    assert live(client, two_hours, device="pv", after=second["cursor"])["open_alarms"] == 4


def test_the_live_poll_shows_nobody_elses_devices(client, two_hours):
    other = make_site(code="elsewhere")
    make_device(code="theirs", site=other)
    send(("theirs", T0, 1.0), at=T0)
    assert live(client, two_hours, site="elsewhere")["readings"] == []
    assert live(client, two_hours, device="theirs")["readings"] == []
    assert client.get("/api/v1/telemetry/live", {}, headers=two_hours.headers).status_code == 400
    assert client.get("/api/v1/telemetry/live", {"site": "elsewhere"}).status_code == 401


def test_open_alarms_name_their_subject_and_stay_with_their_owner(two_hours):
    make_device(code="theirs")
    send(("theirs", T0, 1.0), at=T0)
    operations.watch(at=T0 + timedelta(hours=9))
    found = queries.open_alarms(two_hours.client)
    assert {(alarm.kind, alarm.subject_kind, alarm.subject) for alarm in found} == {
        ("DEVICE_SILENT", "device", "battery"),
        ("DEVICE_SILENT", "device", "load"),
        ("SITE_SILENT", "site", two_hours.devices[0].site.code),
    }
