"""`manage.py import_readings`: all of a readable file once, nothing of an unreadable one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from telemetry import queries
from telemetry.kernels.quality import Quality
from telemetry.models import Reading, ReadingDay
from vpp.lib import clock

T0 = datetime(2016, 7, 12, tzinfo=UTC)
NOON = "2016-07-12T12:00:00Z"


@pytest.fixture(autouse=True)
def _next_day():
    clock.set_simulated(T0 + timedelta(days=1, hours=10))


@pytest.fixture
def folder(fleet, tmp_path):
    return tmp_path


def load(path, *options: str) -> str:
    out = StringIO()
    call_command("import_readings", path, "--quiet", *options, stdout=out)
    return out.getvalue()


def write(folder, *lines: str, name: str = "readings.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def wide_lines(power_kw) -> list[str]:
    """A day of quarter hours of all three devices; power_kw (96, 3)."""
    times = [(T0 + timedelta(minutes=15 * place)).isoformat() for place in range(len(power_kw))]
    return [
        "time,battery,pv,load",
        *(f"{time},{','.join(map(repr, map(float, row)))}" for time, row in zip(times, power_kw, strict=True)),
    ]


def all_power_kw(fleet):
    return queries.interval_power_kw(fleet.ids, T0, T0 + timedelta(days=1))


def test_a_wide_file_is_stored_and_a_second_run_stores_nothing(fleet, folder):
    power_kw = np.random.default_rng(0).uniform(0, 1, (96, 3))
    path = write(folder, *wide_lines(power_kw))
    assert "stored 288 (0 corrections), 0 known already, 0 refused" in load(path)
    assert (all_power_kw(fleet) == power_kw.T).all()
    assert ReadingDay.objects.count() == 3
    assert "stored 0 (0 corrections), 288 known already, 0 refused" in load(path)


def test_an_archive_says_the_same_as_the_csv(fleet, folder):
    power_kw = np.random.default_rng(0).uniform(0, 1, (96, 3))
    times = np.datetime64("2016-07-12T00:00:00") + np.arange(96) * np.timedelta64(900, "s")
    np.savez(folder / "wide.npz", times=times, codes=np.array(["battery", "pv", "load"]), power_kw=power_kw)
    assert "stored 288" in load(folder / "wide.npz")
    assert "288 known already" in load(write(folder, *wide_lines(power_kw)))


def test_a_narrow_file_with_energy_storage_content_and_a_correction(fleet, folder):
    path = write(
        folder, "time,device,power_kw,energy_kwh,soc_kwh", f"{NOON},battery,4,1,12.5", f"{NOON},pv,-2,,"
    )  # fmt: skip
    assert "stored 2" in load(path)
    stored = dict(Reading.objects.values_list("device__code", "soc_kwh"))
    assert stored == {"battery": 12.5, "pv": None}
    later = write(folder, "time,device,power_kw,correction", f"{NOON},pv,-3,true", name="later.csv")
    assert "stored 1 (1 corrections)" in load(later)


def test_units_and_sign_of_a_file_are_turned_into_ours(fleet, folder):
    path = write(folder, "time,device,power_kw", f"{NOON},pv,3000")
    load(path, "--unit", "W", "--sign", "generation")
    assert Reading.objects.get().power_kw == -3.0


def test_an_empty_cell_is_no_reading(fleet, folder):
    assert "2 readings, stored 2" in load(write(folder, "time,battery,pv,load", f"{NOON},1,,2"))


def test_a_dry_run_stores_nothing_but_says_what_it_would(fleet, folder):
    path = write(folder, "time,battery,load", f"{NOON},1,99")
    told = load(path, "--dry-run")
    assert "would store 1" in told
    assert "row 2: above_rating" in told
    assert Reading.objects.count() == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["time,battery,pv", f"{NOON},1,2", f"{NOON[:14]}15:00Z,1,x"], ["row 3, column pv", "'x' is not a number"]),
        (["time,battery", "noon,1"], ["row 2, column time", "'noon' is no time"]),
        (["time,battery", "2016-07-12T12:00:00,1"], ["row 2, column time", "no offset from UTC"]),
        (["time,battery", f"{NOON},1", f"{NOON},1"], ["row 3, column time", "same instant"]),
        (["time,battery", f"{NOON},1,2"], ["row 2", "2 values for 1 devices"]),
        (["time,battery", f"{NOON},1", "", f"{NOON[:14]}15:00Z,1"], ["row 3", "an empty row"]),
        (["time,battery,battery", f"{NOON},1,2"], ["row 1, column battery", "twice"]),
        (["time,battery,nobody", f"{NOON},1,2"], ["row 1, column nobody", "no device 'nobody'"]),
        (["time,battery", f"{NOON},1e999"], ["row 2, column battery", "infinite"]),
        (["when,battery", f"{NOON},1"], ["row 1", "want a first column 'time'"]),
        (
            ["time,device,power_kw", f"{NOON},battery,1", f"{NOON},nobody,1"],
            ["row 3, column device", "no device 'nobody'"],
        ),
        (["time,device,power_kw", f"{NOON},battery,1,5"], ["row 2", "4 values for 3 columns"]),
        (["time,device,energy_kwh", f"{NOON},battery,1"], ["row 1, column power_kw", "missing"]),
        (["time,device,power_kw,mood", f"{NOON},battery,1,5"], ["row 1, column mood", "unknown column"]),
        (["time,device,power_kw", f"{NOON},battery,1", f"{NOON},,1"], ["row 3, column device", "no device code"]),
        ([""], ["want a first column 'time'"]),
    ],
)
def test_an_unreadable_file_names_the_place_and_imports_nothing(fleet, folder, lines, said):
    with pytest.raises(CommandError) as error:
        load(write(folder, *lines))
    assert error.value.returncode == 1
    for words in said:
        assert words in str(error.value)
    assert Reading.objects.count() == 0


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"time,battery\n2016-07-12T12:00:00Z,\xff\n"])
def test_bytes_that_are_no_text_are_an_unreadable_file(fleet, folder, content):
    (folder / "readings.csv").write_bytes(content)
    with pytest.raises(CommandError):
        load(folder / "readings.csv")


def test_a_missing_file_and_a_broken_archive_are_told_apart_from_a_crash(fleet, folder):
    with pytest.raises(CommandError, match="No such file"):
        load(folder / "none.csv")
    (folder / "broken.npz").write_bytes(b"PK no")
    with pytest.raises(CommandError, match=r"broken\.npz"):
        load(folder / "broken.npz")
    np.savez(
        folder / "objects.npz", times=np.array([1], dtype=object), codes=np.array(["pv"]), power_kw=np.ones((1, 1))
    )
    with pytest.raises(CommandError, match="want the arrays"):
        load(folder / "objects.npz")


def test_local_times_keep_the_repeated_hour_apart_and_refuse_the_missing_one(fleet, folder):
    clock.set_simulated(datetime(2016, 11, 1, tzinfo=UTC))
    local = [
        "2016-10-30T01:30:00",
        "2016-10-30T02:00:00",
        "2016-10-30T02:30:00",
        "2016-10-30T02:00:00",
        "2016-10-30T02:30:00",
    ]
    path = write(folder, "time,load", *(f"{time},{place}" for place, time in enumerate(local)))
    assert "2 times of an hour that the clock repeats" in load(path, "--time-zone", "Europe/Berlin")
    start = datetime(2016, 10, 29, 23, 30, tzinfo=UTC)
    stored = list(Reading.objects.order_by("ts").values_list("ts", "power_kw"))
    assert stored == [(start + timedelta(minutes=30 * place), float(place)) for place in range(5)]
    times = ("01:45", "02:30", "03:00")
    spring = write(folder, "time,load", *(f"2016-03-27T{time}:00,1" for time in times), name="spring.csv")
    told = load(spring, "--time-zone", "Europe/Berlin")
    assert "3 readings, stored 2 (0 corrections), 0 known already, 1 refused" in told
    assert "row 3: skipped_hour" in told
    assert "2016-03-27: the clock goes forward" in told
    once = write(folder, "time,load", "2015-10-25T02:30:00,1", "2015-10-25T04:30:00,1", name="once.csv")
    assert "1 times of an hour that the clock repeats came once" in load(once, "--time-zone", "Europe/Berlin")
    with pytest.raises(CommandError, match="no zone"):
        load(spring, "--time-zone", "Mars")


def register_lines(*showings: float | str) -> list[str]:
    times = [(T0 + timedelta(minutes=15 * place)).isoformat() for place in range(len(showings))]
    return ["time,device,register_kwh", *(f"{time},load,{shown}" for time, shown in zip(times, showings, strict=True))]


def test_a_register_makes_power_and_a_roll_over_is_flagged(fleet, folder):
    assert "stored 3 (0 corrections), 0 known already, 0 refused" in load(
        write(folder, *register_lines(9998, 9999, 1, 2))
    )
    stored = Reading.objects.order_by("ts").values_list("power_kw", "energy_kwh", "quality")
    assert list(stored) == [(4.0, 1.0, 0), (8.0, 2.0, int(Quality.ROLLED_OVER)), (4.0, 1.0, 0)]


def test_the_interval_of_a_register_that_was_reset_is_refused_with_its_row(fleet, folder):
    report = load(write(folder, *register_lines(5000, 5001, 0.5, 1.5)))
    assert "stored 2 (0 corrections), 0 known already, 1 refused" in report
    assert "refused as register_reset: 1" in report
    assert "row 4: register_reset" in report


def test_a_register_of_production_counts_up_and_makes_negative_power(fleet, folder):
    lines = [line.replace("load", "pv") for line in register_lines(10, 11, "", 14)]
    load(write(folder, *lines), "--sign", "generation")
    assert list(Reading.objects.order_by("ts").values_list("power_kw", flat=True)) == [-4.0, -6.0]


def test_a_register_beside_power_is_not_guessed_at(fleet, folder):
    with pytest.raises(CommandError, match="a register makes power and energy itself"):
        load(write(folder, "time,device,power_kw,register_kwh", f"{NOON},load,1,2"))


def test_a_file_of_a_spreadsheet_is_told_how_to_be_read(fleet, folder):
    path = write(folder, "time;device;power_kw", f"{T0.isoformat()};battery;1,5")
    with pytest.raises(
        CommandError, match=r"row 1: cells are parted by semicolons; say so: --delimiter ';' --decimal ,"
    ):
        load(path)
    assert "stored 1 " in load(path, "--delimiter", ";", "--decimal", ",")
    path.write_bytes(b"time,device,power_kw\n2016-07-14T00:00Z,M\xfcller,1\n")
    with pytest.raises(CommandError, match=r"readings\.csv: is not UTF-8 text; save it as"):
        load(path)
