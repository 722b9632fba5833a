"""The exported grids: complete, readable by the file rules, and the same on every run."""

import csv
import hashlib
from collections import Counter

import numpy as np
import pytest

from vpp.network.kernels.validation import validate
from vpp.simulation.grids.profiles import START, DeviceProfiles
from vpp.simulation.grids.simbench_export import SMALL_GRID, export_grid
from vpp.simulation.grids.simbench_tables import UnknownGrid, read_grid
from vpp.simulation.grids.utility_flow import load_network, study_feeder

DAY = (np.datetime64("2016-07-13T22:00:00"), np.datetime64("2016-07-14T22:00:00"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("simbench")
    target = tmp_path_factory.mktemp("grid")
    export_grid(SMALL_GRID, target)
    return target


def rows(folder, name):
    with (folder / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def profiles(folder):
    return DeviceProfiles.load(folder / "profiles.npz")


def test_the_network_file_has_no_findings(folder):
    document = load_network(folder / "network.json")
    assert validate(document) == []
    assert [row.code for row in document.feeders] == ["LV1.101"]
    assert (len(document.nodes), len(document.branches), len(document.transformers)) == (15, 13, 1)
    assert document.congestion_points[0].code == "ea1.2016-01.vpp.example:LV1.101"
    assert all(53 < row.latitude_deg < 54.5 and 10 < row.longitude_deg < 13 for row in document.nodes)


def test_every_reference_between_the_tables_holds(folder):
    owners, sites, devices = rows(folder, "owners"), rows(folder, "sites"), rows(folder, "devices")
    nodes = {row.code for row in load_network(folder / "network.json").nodes}
    assert {row["owner"] for row in sites} == {row["code"] for row in owners}
    assert {row["node"] for row in sites} <= nodes
    assert {row["site"] for row in devices} == {row["code"] for row in sites}
    assert len({row["code"] for row in devices}) == len(devices)
    controllable = {row["code"] for row in devices if row["controllable"] == "true"}
    assert {row["device"] for row in rows(folder, "owner_terms")} == controllable
    assert {row["device"] for row in rows(folder, "enrollments")} == controllable
    assert {row["owner"] for row in rows(folder, "contracts")} == {row["code"] for row in owners}


def test_the_kinds_of_the_grid_are_all_there(folder):
    kinds = Counter(row["kind"] for row in rows(folder, "devices"))
    assert {kind: kinds[kind] for kind in ("EV_CHARGER", "HEAT_PUMP", "LOAD", "PV", "BATTERY")} == {
        "EV_CHARGER": 7, "HEAT_PUMP": 8, "LOAD": 13, "PV": 8, "BATTERY": 5
    }  # fmt: skip
    battery = next(row for row in rows(folder, "devices") if row["kind"] == "BATTERY")
    assert float(battery["energy_capacity_kwh"]) > 0
    assert battery["charge_efficiency"] == battery["discharge_efficiency"] == "0.95"


def test_a_site_with_several_devices_has_one_meter_and_one_with_a_single_device_none(folder):
    by_site = Counter(row["site"] for row in rows(folder, "devices") if row["kind"] != "METER")
    meters = Counter(row["site"] for row in rows(folder, "devices") if row["kind"] == "METER")
    assert meters == {site: 1 for site, count in by_site.items() if count > 1}


def test_a_portfolio_reaches_the_markets_minimum(folder):
    power_kw = {row["code"]: float(row["max_consumption_kw"]) for row in rows(folder, "devices")}
    portfolios = rows(folder, "portfolios")
    assert portfolios
    for portfolio in portfolios:
        members = [row["device"] for row in rows(folder, "enrollments") if row["portfolio"] == portfolio["code"]]
        assert sum(power_kw[code] for code in members) >= float(portfolio["min_kw"]) == 100


def test_profiles_keep_the_sign_and_the_ratings(folder, profiles):
    devices = rows(folder, "devices")
    assert profiles.codes == tuple(row["code"] for row in devices)
    power_kw = profiles.power_kw(START, START + np.timedelta64(366, "D"))
    assert power_kw.shape == (len(devices), 35136)
    for row, series in zip(devices, power_kw, strict=True):
        assert series.max() <= float(row["max_consumption_kw"]) + 1e-3, row["code"]
        assert series.min() >= -float(row["max_production_kw"]) - 1e-3, row["code"]
        if row["kind"] == "PV":
            assert series.max() <= 0 and series.min() < 0
        if row["kind"] == "BATTERY":
            assert not series.any()


def test_a_meter_is_the_sum_of_its_site(folder, profiles):
    devices = rows(folder, "devices")
    power_kw = dict(zip(profiles.codes, profiles.power_kw(*DAY), strict=True))
    meter = next(row for row in devices if row["kind"] == "METER")
    behind = [power_kw[row["code"]] for row in devices if row["site"] == meter["site"] and row["kind"] != "METER"]
    assert power_kw[meter["code"]] == pytest.approx(sum(behind))
    (alone,) = profiles.power_kw(*DAY, codes=[meter["code"]])
    assert alone == pytest.approx(sum(behind))


def test_the_sun_is_high_at_noon_utc_plus_1_and_down_at_midnight(folder, profiles):
    solar = [row["code"] for row in rows(folder, "devices") if row["kind"] == "PV"]
    power_kw = profiles.power_kw(*DAY, codes=solar).sum(axis=0)  # from 00:00 in Berlin, summer time
    assert 40 <= power_kw.argmin() <= 64
    assert power_kw[:12].sum() == 0


def test_moments_off_the_grid_or_outside_the_year_are_refused(profiles):
    with pytest.raises(ValueError, match="quarter-hour grid"):
        profiles.power_kw(DAY[0] + np.timedelta64(1, "m"), DAY[1])
    with pytest.raises(ValueError, match="quarter-hour grid"):
        profiles.power_kw(START - np.timedelta64(1, "D"), START)


def test_the_same_code_gives_the_same_files(folder, tmp_path):
    export_grid(SMALL_GRID, tmp_path)

    def digests(place):
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in place.iterdir()
            if path.suffix != ".npz"
        }

    assert digests(folder) == digests(tmp_path)
    again, first = (DeviceProfiles.load(place / "profiles.npz") for place in (tmp_path, folder))
    assert np.array_equal(again.profiles, first.profiles) and np.array_equal(again.scale_kw, first.scale_kw)


def test_a_grid_that_does_not_exist_is_refused():
    pytest.importorskip("simbench")
    for code in ("1-HV-mixed--2-sw", "1-MVLV-semiurb-9.999-2-no_sw", "nonsense", "1-LV-lunar1--2-sw"):
        with pytest.raises(UnknownGrid):
            read_grid(code)


def test_the_utility_finds_a_violation_when_it_tightens_its_limit(folder, profiles):
    document = load_network(folder / "network.json")
    node = {row["code"]: row["node"] for row in rows(folder, "sites")}
    injections: dict[str, np.ndarray] = {}
    for row, series in zip(rows(folder, "devices"), profiles.power_kw(*DAY), strict=True):
        if row["kind"] != "METER":
            injections[node[row["site"]]] = injections.get(node[row["site"]], 0) + series
    study = study_feeder(document, "LV1.101", injections)
    assert study.violations == []
    tight_kw = 0.8 * np.abs(study.head_p_kw).max()
    tightened = study_feeder(document, "LV1.101", injections, limit_kw=tight_kw)
    assert {item.kind for item in tightened.violations} == {"power_limit"}
    assert max(item.excess_kw for item in tightened.violations) == pytest.approx(tight_kw * 0.25)
