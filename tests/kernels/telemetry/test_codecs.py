"""The three forms of a message carry the same batch; signs are turned at the border."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.kernels.batch import ReadingBatch, batch_of, index_codes
from telemetry.protocols import json_columns, json_rows, msgpack_columns
from telemetry.protocols.errors import MalformedBody
from telemetry.protocols.file_times import BadTime, TimeReader

values = st.none() | st.floats(-1e6, 1e6)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=timezone(timedelta(hours=2)))
)
reading_lists = st.lists(st.tuples(st.sampled_from("abc"), moments, st.floats(-1e6, 1e6), values), max_size=20)


def batch_from(readings) -> ReadingBatch:
    codes, device = index_codes([code for code, *_ in readings])
    return batch_of(
        codes=codes,
        device=device,
        time_us=np.array([round(moment.timestamp()) * 1_000_000 for _, moment, *_ in readings], dtype=np.int64),
        power_kw=np.array([power for *_, power, _ in readings], dtype=np.float64),
        soc_kwh=np.array([soc for *_, soc in readings], dtype=np.float64).reshape(len(readings)),
    )


def assert_same(one: ReadingBatch, other: ReadingBatch) -> None:
    assert [one.codes[place] for place in one.device] == [other.codes[place] for place in other.device]
    for name in ("time_us", "power_kw", "energy_kwh", "soc_kwh", "voltage_pu", "correction", "row"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name.endswith(("kw", "kwh", "pu")))


@given(reading_lists)
def test_all_forms_carry_the_same_batch(readings):
    expected = batch_from(readings)
    objects = [
        {"device": code, "time": moment.isoformat(), "power_kw": power, "soc_kwh": soc}
        for code, moment, power, soc in readings
    ]
    columns = {key: [each[key] for each in objects] for key in ("device", "time", "power_kw", "soc_kwh")}
    assert_same(json_rows.decode(json.dumps({"readings": objects}).encode()), expected)
    assert_same(json_columns.decode(json.dumps({"columns": columns}).encode()), expected)
    assert_same(msgpack_columns.decode(msgpack_columns.encode(expected)), expected)


@given(reading_lists)
def test_a_sender_that_counts_production_positive_gets_its_power_turned_and_nothing_else(readings):
    objects = [
        {"device": code, "time": moment.isoformat(), "power_kw": power, "soc_kwh": soc}
        for code, moment, power, soc in readings
    ]
    load = json_rows.decode(json.dumps({"readings": objects}).encode())
    generation = json_rows.decode(json.dumps({"readings": objects, "sign": "generation"}).encode())
    assert (generation.power_kw == -load.power_kw).all()
    assert np.array_equal(generation.soc_kwh, load.soc_kwh, equal_nan=True)


def test_columns_of_different_length_are_refused():
    with pytest.raises(MalformedBody, match="differ in length"):
        json_columns.decode(b'{"columns": {"device": ["a"], "time": "2016-07-01T00:00:00Z", "power_kw": [1, 2]}}')
    batch = batch_from([("a", datetime(2016, 7, 1, tzinfo=UTC), 1.0, None)])
    whole = msgpack_columns.encode(batch)
    with pytest.raises(MalformedBody, match="want 1 values"):
        msgpack_columns.decode(whole.replace(b"\xa6device\xc4\x04\x00\x00\x00\x00", b"\xa6device\xc4\x03\x00\x00\x00"))


def test_local_times_of_two_devices_are_told_apart_each_by_its_own_order():
    reader = TimeReader("Europe/Berlin")
    first = [reader.microseconds("2016-10-30T02:00:00", device) for device in "ab"]
    second = [reader.microseconds("2016-10-30T02:00:00", device) for device in "ab"]
    assert [b - a for a, b in zip(first, second, strict=True)] == [3_600_000_000] * 2
    assert reader.changes().second_passes == 2


@pytest.mark.parametrize("text", ["", "now", "2016-02-30T00:00:00Z", "2016-07-01", "2016-07-01T10:00:00"])
def test_a_time_that_says_too_little_is_refused(text):
    with pytest.raises(BadTime):
        TimeReader().microseconds(text)
