"""Laws of the split of reactive power over inverters."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vpp.dispatch.kernels.reactive import split_kvar
from vpp.lib.inverters import apparent_kva, capability_kvar

INVERTER = st.tuples(
    st.floats(0.0, 500.0),  # rated kW
    st.floats(-1.2, 1.2),  # real power over the rating: a forecast may be above it
    st.booleans(),  # may be asked
)
VAR = 0.001


@settings(max_examples=300, deadline=None)
@given(st.lists(INVERTER, max_size=12), st.floats(-4000.0, 4000.0))
def test_no_inverter_is_asked_beyond_its_apparent_power_and_all_that_can_be_given_is(drawn, ordered_kvar) -> None:
    rated, loading, able = (np.array(column) for column in (zip(*drawn, strict=True) if drawn else ((), (), ())))
    rated, loading, able = rated.astype(float), loading.astype(float), able.astype(bool)
    apparent, power_kw = apparent_kva(rated, rated), rated * loading
    split = split_kvar(ordered_kvar, apparent, power_kw, able)
    most = np.where(able, capability_kvar(apparent, power_kw), 0.0)
    assert (np.abs(split.kvar) <= most).all()
    assert (split.kvar**2 + np.where(split.kvar != 0.0, power_kw, 0.0) ** 2 <= apparent**2 * (1 + 1e-12)).all()
    assert abs(split.kvar.sum() + split.missing_kvar - ordered_kvar) <= VAR / 2 + 1e-9
    if abs(ordered_kvar) <= most.sum() - VAR * len(drawn):
        assert split.missing_kvar == 0.0
    if split.missing_kvar != 0.0:
        assert np.sign(split.missing_kvar) == np.sign(ordered_kvar)
        assert (np.abs(split.kvar) >= most - VAR).all(), "nobody holds anything back while some of it is missing"
    assert (np.sign(split.kvar) * np.sign(ordered_kvar) >= 0.0).all()
    again = split_kvar(-ordered_kvar, apparent, power_kw, able)
    np.testing.assert_array_equal(again.kvar, -split.kvar)


def test_nothing_ordered_asks_nothing_of_anybody() -> None:
    split = split_kvar(0.0, np.array([10.0, 20.0]), np.zeros(2), np.ones(2, dtype=bool))
    assert split.kvar.tolist() == [0.0, 0.0] and split.missing_kvar == 0.0


def test_shares_follow_the_apparent_power_until_real_power_leaves_too_little() -> None:
    apparent, able = np.array([10.0, 10.0, 20.0]), np.ones(3, dtype=bool)
    assert split_kvar(8.0, apparent, np.array([0.0, -5.0, 9.0]), able).kvar.tolist() == [2.0, 2.0, 4.0]
    full = split_kvar(8.0, apparent, np.array([0.0, -10.0, 9.0]), able)
    np.testing.assert_allclose(full.kvar, [8 / 3, 0.0, 16 / 3], atol=VAR)
    assert full.missing_kvar == 0.0
    short = split_kvar(-8.0, apparent, np.array([6.0, 0.0, 0.0]), np.array([True, False, False]))
    assert short.kvar.tolist() == [-8.0, 0.0, 0.0], "3-4-5"
    assert split_kvar(-9.0, apparent, np.array([6.0, 0.0, 0.0]), np.array([True, False, False])).missing_kvar == -1.0


def test_a_bid_at_every_real_power_up_to_the_rating_can_be_dispatched() -> None:
    """What is bid (rated power times the tangent of the least displacement factor) is there at full real power."""
    rated = np.array([5.0, 12.0, 30.0])
    apparent = apparent_kva(rated, rated)
    bid_kvar = float(rated.sum()) * np.tan(np.arccos(0.9))
    assert split_kvar(np.floor(bid_kvar), apparent, -rated, np.ones(3, dtype=bool)).missing_kvar == 0.0
