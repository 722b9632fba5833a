"""Files in: every fault named by row and column, nothing stored unless all is well, a repeat changes nothing."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import ALWAYS, make_participant
from vpp.enrollment import operations, queries
from vpp.enrollment.models import Consent, Device, Enrollment, OwnerTerms, Portfolio, Site

pytestmark = pytest.mark.django_db

FILES = {
    "owners.csv": "code,name\nanna,Anna Berg\n",
    "sites.csv": (
        "code,name,owner,time_zone,zone,feeder,node,import_limit_kw,export_limit_kw\n"
        "site-1,Mill,anna,Europe/Berlin,DE,LV1,n1,200,200\n"
    ),
    "devices.csv": (
        "code,site,kind,max_consumption_kw,max_production_kw,controllable,energy_capacity_kwh,charge_efficiency\n"
        "bat-1,site-1,BATTERY,150,150,yes,300,0.95\n"
        "load-1,site-1,LOAD,20,0,no,,\n"
    ),
    "owner_terms.csv": "device,start,reserve_floor_pu\nbat-1,2015-12-31,0.2\n",
    "contracts.csv": "code,owner,start,owner_share_pu\nc-1,anna,2015-12-31,0.7\n",
    "portfolios.csv": "code,name,zone,time_zone\np-1,All,DE,Europe/Berlin\n",
    "enrollments.csv": "device,portfolio,start\nbat-1,p-1,2015-12-31\n",
}


def write(folder: Path, **changed: str) -> Path:
    for name, text in (FILES | {f"{key}.csv": text for key, text in changed.items()}).items():
        (folder / name).write_text(text)
    return folder


def faults_of(folder: Path, at) -> list[str]:
    with pytest.raises(operations.ImportRefused) as refused:
        operations.import_folder(folder, at=at)
    assert not Site.objects.exists()
    return [str(fault) for fault in refused.value.faults]


def test_a_file_does_not_change_whose_a_site_is(tmp_path, at):
    write(tmp_path)
    operations.import_folder(tmp_path, at=at)
    write(tmp_path, owners="code,name\nbert,Bert Ahl\n", sites=FILES["sites.csv"].replace("anna", "bert"))
    with pytest.raises(operations.ImportRefused) as refused:
        operations.import_folder(tmp_path, at=at)
    assert "sites.csv, row 2, column owner: belongs to anna" in str(refused.value.faults[0])
    assert Site.objects.get().owner.code == "anna"


def test_a_good_folder_is_stored_and_a_repeat_changes_nothing(tmp_path, at):
    write(tmp_path)
    assert operations.import_folder(tmp_path, at=at).made["devices"] == 2
    again = operations.import_folder(tmp_path, at=at)
    assert set(again.made.values()) == {0}
    table = queries.device_table(at=at, portfolio_id=Portfolio.objects.get().pk)
    assert (table.code, table.reserve_floor_pu.tolist(), table.energy_capacity_kwh.tolist()) == (
        ["bat-1"],
        [0.2],
        [300.0],
    )
    assert table.usable().all()


def test_a_changed_row_updates_what_it_names(tmp_path, at):
    operations.import_folder(write(tmp_path), at=at)
    write(tmp_path, devices=FILES["devices.csv"].replace("150,150", "160,150"))
    operations.import_folder(tmp_path, at=at)
    assert Device.objects.get(code="bat-1").max_consumption_kw == 160


def test_new_terms_end_the_ones_before_them(tmp_path, at):
    operations.import_folder(write(tmp_path), at=at)
    write(tmp_path, owner_terms="device,start,reserve_floor_pu\nbat-1,2016-06-01,0.5\n")
    operations.import_folder(tmp_path, at=at)
    assert OwnerTerms.objects.count() == 2
    assert queries.device_table(at=at).reserve_floor_pu.tolist() == [0.5, 0.0]
    assert queries.device_table(at=ALWAYS.lower + timedelta(days=1)).reserve_floor_pu.tolist() == [0.2, 0.0]
    assert Enrollment.objects.count() == 1


def test_a_consent_is_kept_as_signed_and_a_withdrawn_one_does_not_come_back(tmp_path, at):
    signed = "site,start,given_by,document\nsite-1,2015-12-31,Anna Berg,terms 1\n"
    operations.import_folder(write(tmp_path, consents=signed), at=at)
    assert operations.import_folder(tmp_path, at=at).made["consents"] == 0
    write(tmp_path, consents=signed.replace("2015-12-31", "2016-06-01").replace("terms 1", "terms 2"))
    assert operations.import_folder(tmp_path, at=at).made["consents"] == 1
    first, second = Consent.objects.order_by("given_at")
    assert (first.document, first.withdrawn_at, second.document) == ("terms 1", second.given_at, "terms 2")
    Consent.objects.filter(pk=second.pk).update(withdrawn_at=at)
    assert operations.import_folder(tmp_path, at=at).made["consents"] == 0


@pytest.mark.parametrize(
    ("table", "text", "fault"),
    [
        ("devices", FILES["devices.csv"].replace("150,150", "1e999,150"), "devices.csv, row 2, column max_consumption_kw"),
        ("devices", FILES["devices.csv"].replace("BATTERY", "FLYWHEEL"), "devices.csv, row 2, column kind"),
        ("devices", FILES["devices.csv"].replace("site-1,LOAD", "site-9,LOAD"), "row 3, column site: 'site-9' is not among"),
        ("devices", FILES["devices.csv"].replace(",300,", ",,"), "column energy_capacity_kwh: a battery needs a capacity"),
        ("devices", FILES["devices.csv"].replace("load-1", "bat-1"), "row 3, column code: 'bat-1' stands in row 2 already"),
        ("devices", FILES["devices.csv"].replace("kind,", "kinds,"), "devices.csv, row 1, column kind: is missing"),
        ("sites", FILES["sites.csv"].replace("Europe/Berlin", "Europe/Atlantis"), "column time_zone"),
        ("sites", FILES["sites.csv"].replace(",200,200", ",-1,200"), "column import_limit_kw: '-1': is negative"),
        ("portfolios", FILES["portfolios.csv"].replace("DE", "FR"), "lies in zone DE, its portfolio in FR"),
        ("devices", FILES["devices.csv"].replace("150,150", "50,50"), "50 kW of controllable power is below the minimum"),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_row_and_column_and_nothing_is_stored(tmp_path, at, table, text, fault):
    faults = faults_of(write(tmp_path, **{table: text}), at)
    assert any(fault in found for found in faults), faults


TERMS, DEVICES = FILES["owner_terms.csv"], FILES["devices.csv"]


@pytest.mark.parametrize(
    ("table", "text", "fault"),
    [
        ("devices", DEVICES.replace("150,150", '"1,5",150'), "'1,5': is no number; decimals have a point, as 1.5"),
        ("devices", DEVICES.replace("150,150", "1,5,150"), "devices.csv, row 2: has more cells than the first row"),
        ("devices", DEVICES.replace(",", ";"), "row 1: its cells are parted by semicolons; save it as “CSV UTF-8”"),
        ("owner_terms", TERMS.replace("2015-12-31", "31.12.2015"), "column start: '31.12.2015': is neither a date as"),
        ("owner_terms", TERMS.replace("2015-12-31", "9999-12-31"), "is not between 1970-01-01 and 2199-12-31"),
        ("owner_terms", TERMS.replace("0.2", "1.2"), "column reserve_floor_pu: 1.2 is not from 0 up to 1"),
        ("owner_terms", "device,start,notice_minutes\nbat-1,2015-12-31,1000000000\n", "is more than 32767"),
        ("owner_terms", "device,start,notice_minutes\nbat-1,2015-12-31,1.5\n", "'1.5': is no whole number"),
        ("owner_terms", "device,start,comfort_min_c\nbat-1,2015-12-31,nan\n", "is not a finite number"),
        ("owner_terms", "device,start,comfort_min_c,comfort_max_c\nbat-1,2015-12-31,25,20\n", "the band ends below"),
        ("owner_terms", "device,start,departure_local_time\nbat-1,2015-12-31,half past\n", "is no time of day as 07:30"),
        ("contracts", FILES["contracts.csv"].replace("0.7", "1e9"), "column owner_share_pu: '1e9': is not below 10"),
        ("contracts", FILES["contracts.csv"].replace("0.7", "1.7"), "column owner_share_pu: 1.7 is not from 0 to 1"),
        ("contracts", FILES["contracts.csv"].replace("0.7", "0,7"), "contracts.csv, row 2: has more cells"),
        ("owners", "code,name\nanna," + "A" * 201 + "\n", "column name: '" + "A" * 60 + "': is longer than 200"),
        ("devices", DEVICES + "m-1,site-1,METER,1,1,no,,\nm-2,site-1,METER,1,1,no,,\n", "site-1 has a meter already"),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_or_a_tired_hand_writes_is_named_with_its_remedy(tmp_path, at, table, text, fault):
    faults = faults_of(write(tmp_path, **{table: text}), at)
    assert any(fault in found for found in faults), faults


def test_an_owner_with_the_code_of_a_utility_is_refused(tmp_path, at):
    make_participant(kind="UTILITY", code="anna")
    assert "row 2, column code: anna is the code of a UTILITY already" in faults_of(write(tmp_path), at)[0]


def test_a_file_that_is_no_text_is_refused(tmp_path, at):
    write(tmp_path)
    (tmp_path / "sites.csv").write_bytes(b"code,name\n\xff\xfe\n")
    assert "sites.csv, row 0: is not UTF-8 text" in faults_of(tmp_path, at)[0]


def test_the_command_exits_1_and_tells_every_fault(tmp_path):
    write(tmp_path, devices=FILES["devices.csv"].replace("150,150", "x,y"))
    errors = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("import_sites", str(tmp_path), stderr=errors)
    assert refused.value.returncode == 1
    assert "column max_consumption_kw" in errors.getvalue()
    assert "column max_production_kw" in errors.getvalue()


def test_an_empty_folder_says_what_it_wants(tmp_path, at):
    assert "holds none of owners.csv" in faults_of(tmp_path, at)[0]
