"""Packed columns give back every bit, and are small for what meters send."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.kernels.compact import pack_floats, pack_integers, unpack


@given(st.lists(st.floats(width=64) | st.sampled_from([0.0, -0.0, 0.1, 1e308, 5e-324, float("nan")]), max_size=40))
def test_floats_come_back_to_the_bit(values):
    column = np.array(values, dtype=np.float64)
    back = unpack(pack_floats(column), column.size)
    assert ((back.view(np.int64) == column.view(np.int64)) | (np.isnan(back) & np.isnan(column))).all()


@given(st.lists(st.integers(-(2**61), 2**61), max_size=40))
def test_whole_numbers_come_back(values):
    assert unpack(pack_integers(np.array(values, dtype=np.int64)), len(values)).tolist() == values


def test_a_day_of_meter_values_takes_two_bytes_each():
    rng = np.random.default_rng(1)
    assert len(pack_floats(rng.uniform(0, 10, 1440).round(3))) < 2.2 * 1440
    assert len(pack_integers(np.arange(1440) * 60)) < 60


@pytest.mark.parametrize("damaged", [bytes([0, 0]) + b"x", bytes([99, 0]), pack_floats(np.ones(3))[:-3]])
def test_damaged_bytes_are_told(damaged):
    with pytest.raises(ValueError):
        unpack(damaged, 4)
