"""Who goes short, and what a running interval will come to."""

from __future__ import annotations

import numpy as np
import pytest

from vpp.dispatch.kernels.watch import expected_up_kw, short_by_award, worth_an_alarm


def test_the_market_goes_short_before_an_ask() -> None:
    signed_kw, from_ask = np.array([100.0, 50.0, -20.0, 50.0]), np.array([False, True, False, False])
    np.testing.assert_allclose(short_by_award(signed_kw, from_ask, 90.0), [60.0, 0.0, 0.0, 30.0])
    np.testing.assert_allclose(short_by_award(signed_kw, from_ask, 170.0), [100.0, 20.0, 0.0, 50.0])
    np.testing.assert_allclose(short_by_award(signed_kw, from_ask, -5.0), [0.0, 0.0, 5.0, 0.0])
    np.testing.assert_allclose(short_by_award(signed_kw, from_ask, 0.0), 0.0)


def test_a_device_that_says_nothing_is_believed_to_follow() -> None:
    expected = expected_up_kw(np.zeros(2), np.full(2, -5.0), np.array([np.nan, -1.0]), 0.5)
    np.testing.assert_allclose(expected, [5.0, 1.0])


@pytest.mark.parametrize(
    ("committed", "missing", "alarm"),
    [(100.0, 6.0, True), (100.0, 4.0, False), (4.0, 0.4, False), (-100.0, -6.0, True), (100.0, -50.0, False)],
)
def test_only_what_is_missing_in_the_direction_promised_is_worth_an_alarm(
    committed: float, missing: float, alarm: bool
) -> None:
    assert worth_an_alarm(committed, missing) is alarm
