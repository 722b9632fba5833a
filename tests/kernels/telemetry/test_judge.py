"""Judgement of readings: each rule alone, and laws for any batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.kernels.batch import batch_of
from telemetry.kernels.judge import Ratings, judge
from telemetry.kernels.quality import Quality

AT_US = 1_468_404_000_000_000
SECOND_US = 1_000_000
DEVICES = ["unknown", "battery", "pv", "load", "unrated"]
RATINGS = Ratings(
    device_id=np.array([-1, 1, 2, 3, 4]),
    max_consumption_kw=np.array([10.0, 10.0, 0.0, 10.0, 0.0]),
    max_production_kw=np.array([10.0, 10.0, 10.0, 0.0, 0.0]),
    energy_capacity_kwh=np.array([0.0, 20.0, 0.0, 0.0, 0.0]),
)


def judged(device: str, power_kw: float, *, after_s: float = 0.0, soc_kwh: float = np.nan, energy_kwh: float = np.nan):
    batch = batch_of(
        codes=DEVICES,
        device=np.array([DEVICES.index(device)]),
        time_us=np.array([AT_US + round(after_s * SECOND_US)]),
        power_kw=np.array([power_kw]),
        soc_kwh=np.array([soc_kwh]),
        energy_kwh=np.array([energy_kwh]),
    )
    return batch, judge(batch, RATINGS, at_us=AT_US, max_age_days=45)


def reason(device: str, power_kw: float, **extra: float) -> str:
    batch, judgement = judged(device, power_kw, **extra)
    refusals = judgement.refusals(batch.row)
    return refusals[0][1] if refusals else ""


@pytest.mark.parametrize(
    ("device", "power_kw", "extra", "expected"),
    [
        ("unknown", 1.0, {}, "unknown_device"),
        ("battery", np.nan, {}, "not_a_number"),
        ("battery", np.inf, {}, "infinite"),
        ("battery", 1.0, {"soc_kwh": -np.inf}, "infinite"),
        ("battery", 1.0, {"soc_kwh": -0.1}, "above_rating"),
        ("battery", 1.0, {"after_s": 300.0}, ""),
        ("battery", 1.0, {"after_s": 301.0}, "ahead_of_clock"),
        ("battery", 1.0, {"after_s": -45 * 86_400.0}, ""),
        ("battery", 1.0, {"after_s": -45 * 86_400.0 - 1}, "too_old"),
        ("battery", 1.0, {"after_s": -0.5}, "unaligned"),
        ("battery", 20.0, {}, ""),
        ("battery", -20.01, {}, "above_rating"),
        ("pv", 0.5, {}, ""),  # what the inverter draws at night
        ("pv", 5.0, {}, "above_rating"),
        ("load", -5.0, {}, "above_rating"),
        ("unrated", 5_000.0, {}, ""),
        ("unrated", 1.1e7, {}, "above_rating"),
    ],
)
def test_each_reading_gets_its_reason(device, power_kw, extra, expected):
    assert reason(device, power_kw, **extra) == expected


@pytest.mark.parametrize(
    ("device", "power_kw", "extra", "flags"),
    [
        ("battery", 11.0, {}, Quality.GOOD),
        ("battery", 11.1, {}, Quality.ABOVE_RATING),
        ("battery", 1.0, {"energy_kwh": -0.25}, Quality.ENERGY_MISMATCH),
        ("battery", 1.0, {"soc_kwh": 22.5}, Quality.SOC_OUT_OF_RANGE),
        ("unrated", 1e6, {}, Quality.GOOD),
    ],
)
def test_doubtful_readings_are_kept_with_a_flag(device, power_kw, extra, flags):
    _, judgement = judged(device, power_kw, **extra)
    assert judgement.kept.all()
    assert judgement.quality[0] == flags


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(-(2**55), 2**55), st.floats(), st.floats(), st.floats()), max_size=30
    )
)
def test_what_is_kept_is_finite_and_in_time(readings):
    columns = list(zip(*readings, strict=True)) if readings else [()] * 5
    batch = batch_of(
        codes=DEVICES,
        device=np.array(columns[0], dtype=np.int64),
        time_us=np.array(columns[1], dtype=np.int64),
        power_kw=np.array(columns[2], dtype=np.float64),
        soc_kwh=np.array(columns[3], dtype=np.float64),
        energy_kwh=np.array(columns[4], dtype=np.float64),
    )
    judgement = judge(batch, RATINGS, at_us=AT_US, max_age_days=45)
    kept = judgement.kept
    assert np.isfinite(batch.power_kw[kept]).all()
    assert not np.isinf(batch.soc_kwh[kept]).any()
    assert (batch.time_us[kept] <= AT_US + 300 * SECOND_US).all()
    assert (judgement.device_id[kept] > 0).all()
    assert len(judgement.refusals(batch.row)) + kept.sum() == batch.size
