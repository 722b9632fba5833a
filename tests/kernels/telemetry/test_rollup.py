"""Rollup cells and packed days: laws that hold for any readings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.kernels.day_arrays import pack_readings, unpack_readings
from telemetry.kernels.judge import DAY_US
from telemetry.kernels.readings import Readings, join, same_values
from telemetry.kernels.rollup import BUCKET_US, roll_up
from telemetry.kernels.rollup_days import pack_rollup

DAY = 16_994  # 2016-07-12
MINUTE_US = 60_000_000


def readings_of(keys: list[tuple[int, int]], seed: int = 0) -> Readings:
    """Readings at (device, minute of DAY), with some values left out and one of two moments of arrival."""
    rng = np.random.default_rng(seed)
    device_id = np.array([device for device, _ in keys], dtype=np.int64)
    time_us = DAY * DAY_US + np.array([minute for _, minute in keys], dtype=np.int64) * MINUTE_US
    count = len(keys)
    soc_kwh = np.where(rng.random(count) < 0.5, rng.random(count), np.nan)
    available_us = (DAY + 1) * DAY_US + rng.integers(0, 2, count)
    return Readings(
        device_id=device_id,
        time_us=time_us,
        power_kw=rng.uniform(-10, 10, count),
        energy_kwh=np.full(count, np.nan),
        soc_kwh=soc_kwh,
        voltage_pu=np.full(count, np.nan),
        quality=rng.integers(0, 3, count).astype(np.int16),
        first_available_us=available_us,
        available_us=available_us,
    )


key_lists = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 1439)), min_size=1, max_size=60, unique=True)


@given(key_lists)
def test_a_rollup_holds_what_its_readings_hold(keys):
    readings = readings_of(keys)
    rollup = roll_up(readings)
    assert rollup.count.sum() == readings.size
    assert (rollup.energy_kwh * 4 * rollup.count).sum() == pytest.approx(readings.power_kw.sum())
    assert (rollup.min_kw <= rollup.energy_kwh * 4 + 1e-9).all()
    assert (rollup.max_kw >= rollup.energy_kwh * 4 - 1e-9).all()
    assert (rollup.first_available_us <= rollup.available_us).all()
    assert (rollup.bucket_us % BUCKET_US == 0).all()
    assert np.bitwise_or.reduce(rollup.quality) == np.bitwise_or.reduce(readings.quality)


@given(key_lists, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_change_a_bit(keys, random):
    readings = readings_of(keys)
    order = list(range(len(keys)))
    random.shuffle(order)
    one, other = roll_up(readings), roll_up(readings.take(np.array(order)))
    for name in ("bucket_us", "device_id", "count", "energy_kwh", "min_kw", "max_kw", "quality", "available_us"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_a_bucket_is_half_open():
    rollup = roll_up(readings_of([(1, 14), (1, 15)]))
    assert ((rollup.bucket_us - DAY * DAY_US) // MINUTE_US).tolist() == [0, 15]


def unpacked(readings: Readings) -> Readings:
    parts = []
    for days in pack_readings(readings):
        for place in range(days.day.size):
            columns = {
                name: None if column.null[place] else column.packed[place].tobytes()
                for name, column in days.columns.items()
            }
            parts.append(
                unpack_readings(
                    day=int(days.day[place]),
                    device_id=int(days.device_id[place]),
                    count=int(days.count[place]),
                    available_us=int(days.available_us[place]),
                    columns=columns,
                )
            )
    return join(parts).by_device()


@given(key_lists)
def test_unpacking_undoes_packing(keys):
    readings = readings_of(keys).by_device()
    back = unpacked(readings)
    assert same_values(readings, back).all()
    for name in ("device_id", "time_us", "quality", "available_us"):
        assert (getattr(readings, name) == getattr(back, name)).all()


def test_a_regular_day_of_power_is_packed_into_its_values_alone():
    readings = readings_of([(device, minute) for device in (1, 2) for minute in range(0, 1440, 15)])
    bare = np.zeros(readings.size, dtype=np.int16)
    same_us = np.full(readings.size, DAY * DAY_US)
    nothing = np.full(readings.size, np.nan)
    readings = Readings(
        readings.device_id, readings.time_us, readings.power_kw, nothing, nothing, nothing, bare, same_us, same_us
    )
    (days,) = pack_readings(readings)
    assert [name for name, column in days.columns.items() if not column.null.any()] == ["power_kw"]
    assert np.unique(days.checksums()).size == 2
    assert same_values(readings, unpacked(readings)).all()


@given(key_lists)
def test_packed_cells_are_the_cells(keys):
    rollup = roll_up(readings_of(keys))
    packed = pack_rollup(rollup)
    energy_kwh = packed.columns["energy_kwh"].packed.view("<f8")
    assert np.isfinite(energy_kwh).sum() == rollup.size
    place = np.searchsorted(packed.device_id, rollup.device_id)
    assert (energy_kwh[place, (rollup.bucket_us - DAY * DAY_US) // BUCKET_US] == rollup.energy_kwh).all()
