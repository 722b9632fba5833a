"""Files as others write them: own names and units, Parquet, Green Button; a run that was stopped goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.management import CommandError

from telemetry import operations, queries
from telemetry.kernels.quality import Quality
from telemetry.models import Reading
from telemetry.protocols.file_types import FileFormat
from telemetry.protocols.files import read_file
from tests.apps.telemetry.test_import import load, wide_lines, write
from vpp.lib import clock

T0 = datetime(2016, 7, 12, tzinfo=UTC)
NOON = T0 + timedelta(hours=12)


@pytest.fixture(autouse=True)
def _next_day():
    clock.set_simulated(T0 + timedelta(days=1, hours=10))


@pytest.fixture
def folder(fleet, tmp_path):
    return tmp_path


def stored() -> list[tuple]:
    return list(Reading.objects.order_by("device__code", "ts").values_list("device__code", "ts", "power_kw"))


def test_a_file_with_its_own_names_units_and_decimal_sign(fleet, folder):
    path = write(
        folder, "Zeit;Zähler;Leistung;Inhalt;Notiz", "12.07.2016 14:00;battery;1500,5;12000;gut", "12.07.2016 14:15;pv;-2;;"
    )  # fmt: skip
    options = ["--delimiter", ";", "--decimal", ",", "--time-format", "%d.%m.%Y %H:%M", "--time-zone", "Europe/Berlin"]
    names = {"time": "Zeit", "device": "Zähler", "power_kw": "Leistung", "soc_kwh": "Inhalt"}
    for ours, theirs in names.items():
        options += ["--column", f"{ours}={theirs}"]
    load(path, *options, "--unit", "W", "--unit", "soc_kwh=Wh", "--report", str(folder / "report.json"))
    assert stored() == [("battery", NOON, 1.5005), ("pv", NOON + timedelta(minutes=15), -0.002)]
    assert Reading.objects.get(device__code="battery").soc_kwh == 12.0
    report = json.loads((folder / "report.json").read_text())
    assert (report["accepted"], report["refused_rows"]) == (2, [])


def test_one_device_and_one_column_of_many(fleet, folder):
    load(write(folder, "when,a,b", f"{NOON.isoformat()},1,2"), "--column", "time=when", "--column", "load=b")
    load(write(folder, "time,power_kw", f"{NOON.isoformat()},3"), "--device", "battery")
    assert stored() == [("battery", NOON, 3.0), ("load", NOON, 2.0)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--column", "power_kw=nothing"], "column nothing: there is no such column"),
        (["--unit", "voltage_pu=V"], "want one of pu, percent"),
        (["--unit", "horse"], "want one of kW, W, MW"),
        (["--column", "power_kw"], "want NAME=NAME"),
        (["--delimiter", ";;"], "one character"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(fleet, folder, options, said):
    with pytest.raises(CommandError, match=said):
        load(write(folder, "time,device,power_kw", f"{NOON.isoformat()},load,1"), *options)


def test_parquet_narrow_and_wide_say_what_csv_says(fleet, folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    times = [NOON, NOON + timedelta(minutes=15)]
    narrow = pa.table({"time": times * 2, "device": ["load"] * 2 + ["pv"] * 2, "power_kw": [1.0, 2.0, -1.0, None]})
    pq.write_table(narrow, folder / "narrow.parquet")
    told = load(folder / "narrow.parquet")
    assert "stored 3" in told
    assert "row 5: not_a_number" in told
    wide = pa.table({"time": [int(at.timestamp()) for at in times], "load": [1.0, 2.0], "battery": [None, 4.0]})
    pq.write_table(wide, folder / "wide.parquet")
    assert "stored 1 (0 corrections), 2 known already" in load(folder / "wide.parquet")
    local = pa.table({"time": ["2016-07-12T14:00:00"], "device": ["load"], "kw": [1]})
    pq.write_table(local, folder / "local.parquet")
    assert "1 known already" in load(
        folder / "local.parquet", "--time-zone", "Europe/Berlin", "--column", "power_kw=kw"
    )
    for table in (local.rename_columns(["a", "b", "c"]), pa.table({"time": times, "load": ["x", "y"]})):
        pq.write_table(table, folder / "odd.parquet")
        with pytest.raises(CommandError, match=r"odd\.parquet"):
            load(folder / "odd.parquet")
    (folder / "no.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(CommandError, match=r"no\.parquet"):
        load(folder / "no.parquet")


FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<entry><link rel="self" href="Customer/1/UsagePoint/A7"/><title>Home</title>
 <content><UsagePoint xmlns="http://naesb.org/espi"/></content></entry>
{meters}
</feed>"""
METER = """<entry><link rel="self" href="Customer/1/UsagePoint/A7/MeterReading/{name}"/>
 <link rel="related" href="Customer/1/UsagePoint/A7/MeterReading/{name}/IntervalBlock"/>
 <link rel="related" href="ReadingType/{name}"/>
 <content><MeterReading xmlns="http://naesb.org/espi"/></content></entry>
<entry><link rel="self" href="ReadingType/{name}"/><content><ReadingType xmlns="http://naesb.org/espi">
 <accumulationBehaviour>{behaviour}</accumulationBehaviour><flowDirection>{flow}</flowDirection>
 <powerOfTenMultiplier>{ten}</powerOfTenMultiplier><uom>72</uom></ReadingType></content></entry>
<entry><link rel="self" href="Customer/1/UsagePoint/A7/MeterReading/{name}/IntervalBlock/1"/>
 <link rel="up" href="Customer/1/UsagePoint/A7/MeterReading/{name}/IntervalBlock"/>
 <content><IntervalBlock xmlns="http://naesb.org/espi"><interval><duration>86400</duration></interval>{readings}
 </IntervalBlock></content></entry>"""
READING = """<IntervalReading><ReadingQuality><quality>{quality}</quality></ReadingQuality>
<timePeriod><duration>{duration}</duration><start>{start}</start></timePeriod><value>{value}</value></IntervalReading>"""


def meter(name: str, values: list[int], *, flow: int = 1, ten: int = 0, duration: int = 900, behaviour: int = 4, quality: int = 0) -> str:  # fmt: skip
    start = int(NOON.timestamp())
    readings = [
        READING.format(quality=quality, duration=duration, start=start + place * duration, value=value)
        for place, value in enumerate(values)
    ]
    return METER.format(name=name, flow=flow, ten=ten, behaviour=behaviour, readings="\n".join(readings))


def green_button(folder, *meters: str):
    path = folder / "usage.xml"
    path.write_text(FEED.format(meters="\n".join(meters)))
    return path


def test_green_button_nets_both_directions_and_scales_by_the_power_of_ten(fleet, folder):
    path = green_button(folder, meter("in", [500, 25]), meter("out", [1, 0], flow=19, ten=2))
    assert "2 readings, stored 2" in load(path, "--usage-point", "A7=battery")
    assert [(at, power_kw) for _, at, power_kw in stored()] == [(NOON, 1.6), (NOON + timedelta(minutes=15), 0.1)]
    assert "2 known already" in load(path, "--usage-point", "Home=battery")
    with pytest.raises(CommandError, match="say whose the usage point 'A7' is"):
        load(path)


def test_green_buttons_hours_are_spread_and_what_was_estimated_is_flagged(fleet, folder):
    load(green_button(folder, meter("in", [2000], duration=3600, quality=8)), "--device", "load")
    rows = list(Reading.objects.order_by("ts").values_list("power_kw", "energy_kwh", "quality"))
    assert rows == [(2.0, 0.5, int(Quality.SPREAD | Quality.ESTIMATED))] * 4


def test_green_button_registers_make_power(fleet, folder):
    path = green_button(folder, meter("in", [9_998_000, 9_999_000, 1_000, 500], behaviour=3))
    told = load(path, "--device", "load")
    assert "refused as register_reset: 1" in told
    assert [power_kw for *_, power_kw in stored()] == [4.0, 8.0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><feed>&b;</feed>', "document type"),
        ("<feed", "no XML"),
        ("<feed/>", "no IntervalBlock"),
        (FEED.format(meters=meter("in", [1]).replace(">72<", ">5<")), "want W"),
        (FEED.format(meters=meter("in", [1]).replace("<value>1<", "<value>one<")), "no whole number"),
        (FEED.format(meters=meter("in", [1], duration=0)), "length of its interval"),
        (FEED.format(meters=meter("in", [10**30])), "beyond any meter"),
        (FEED.format(meters=meter("in", [1]).replace("ReadingType xmlns", "Other xmlns")), "no XML|without its"),
    ],
)
def test_green_button_that_cannot_be_read_imports_nothing(fleet, folder, content, said):
    (folder / "bad.xml").write_text(content)
    with pytest.raises(CommandError, match=said):
        load(folder / "bad.xml", "--device", "load")
    assert not Reading.objects.exists()


def test_an_import_that_was_stopped_goes_on_where_it_was(fleet, folder):
    days = list(wide_lines(np.ones((96, 3)))[1:])
    lines = ["time,battery,pv,load", *days, *(line.replace("07-12", "07-11") for line in days)]
    file = read_file(
        write(folder, *[line.replace(",1.0,1.0,1.0", ",1.0,-1.0,1.0") for line in lines]), FileFormat(), int
    )

    def stop(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        operations.import_file(file, at=T0 + timedelta(days=1), progress=stop)
    report = operations.import_file(file, at=T0 + timedelta(days=1), progress=int)
    assert (report.accepted, report.duplicates) == (288, 288)
    assert not np.isnan(queries.interval_power_kw(fleet.ids, T0 - timedelta(days=1), T0 + timedelta(days=1))).any()
