"""Laws and hand-worked cases of performance, value and allocation."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpp.settlement.kernels.allocation import delivery_weights, owner_credit, split_top_down
from vpp.settlement.kernels.performance import (
    Obligation,
    Rank,
    band_factor,
    delivered_shares,
    share_delivery,
    uftp_quantities,
)
from vpp.settlement.kernels.value import PriceMissing, availability, priced, settled_kwh, two_settlement

kw = st.floats(0, 500, allow_nan=False)
weights = st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=12)


def obligation(rank: Rank, up=0.0, down=0.0) -> Obligation:
    return Obligation(rank, np.array([float(up)]), np.array([float(down)]))


def attributed(delivered, *obligations):
    parts, rest = share_delivery(np.array([float(delivered)]), obligations)
    return [float(part) for part in parts[:, 0]], float(rest[0])


def test_uftp_test_vector():
    base, ordered = 10.0, 2.0
    delivered, deficiency = uftp_quantities(np.full(5, ordered), base - np.array([7.0, 8, 9, 10, 11]))
    np.testing.assert_allclose(7 * delivered - 11 * deficiency, [14, 14, -4, -22, -33])


def test_the_ask_is_served_first_then_reserve_then_energy():
    asks = obligation(Rank.ASK, up=50), obligation(Rank.RESERVE, up=20), obligation(Rank.ENERGY, up=30)
    assert attributed(60, *asks) == ([50, 10, 0], 0)
    assert attributed(110, *asks) == ([50, 20, 40], 0)  # the surplus is the energy award's imbalance
    assert attributed(-5, *asks) == ([0, 0, -5], 0)


def test_an_award_against_the_net_direction_counts_as_delivered():
    assert attributed(20, obligation(Rank.ASK, up=50), obligation(Rank.ENERGY, down=30)) == ([50, -30], 0)
    assert attributed(-30, obligation(Rank.ASK, up=10), obligation(Rank.ENERGY, down=50)) == ([10, -40], 0)


def test_a_surplus_without_an_energy_award_stays_unexplained():
    assert attributed(70, obligation(Rank.ASK, up=50)) == ([50], 20)
    assert attributed(float("nan"), obligation(Rank.ASK, up=50)) == ([0], 0)


@given(st.floats(-900, 900), st.lists(st.tuples(st.sampled_from(list(Rank)), kw, kw), max_size=5))
def test_nothing_delivered_is_lost_or_counted_twice(delivered, rows):
    parts, rest = share_delivery(np.array([delivered]), [obligation(*row) for row in rows])
    assert parts.sum() + rest[0] == pytest.approx(delivered, abs=1e-6)


def test_the_share_credits_at_most_110_percent_of_an_interval():
    credited, raw = delivered_shares(np.array([30.0, 0.0, -5.0]), np.array([10.0, 10.0, 0.0]))
    assert credited == pytest.approx(11 / 20)
    assert raw == pytest.approx(30 / 20)
    credited, raw = delivered_shares(np.array([-8.0]), np.array([-10.0]))
    assert (credited, raw) == pytest.approx((0.8, 0.8))
    assert np.isnan(delivered_shares(np.array([3.0]), np.array([0.0]))[0])


GB_THREE_TO_ONE = [(0.0, 0.0), (0.63, 0.0), (0.63, 0.04), (0.95, 1.0)]


@pytest.mark.parametrize(
    ("x", "k"), [(-1, 0), (0.62, 0), (0.63, 0.04), (0.85, 0.7), (0.95, 1), (1.4, 1), (float("nan"), 1)]
)
def test_the_band_is_piecewise_linear_with_a_step(x, k):
    assert band_factor(x, GB_THREE_TO_ONE) == pytest.approx(k)


def test_two_settlement_by_hand():
    # sold 1000 kWh at 40, delivered 800: short 200 at 40 x 1.1; second interval price -20, long 100 at -20 - 2
    committed, delivered = [Decimal(1000), Decimal(100)], [Decimal(800), Decimal(200)]
    day_ahead, imbalance = two_settlement(committed, delivered, [Decimal(40), Decimal(-20)], Decimal("0.1"))
    assert day_ahead == Decimal("40") - Decimal("2")
    assert imbalance == Decimal("-0.2") * 44 + Decimal("0.1") * -22


def test_a_missing_price_is_never_taken_as_zero():
    with pytest.raises(PriceMissing) as error:
        priced([Decimal(0), Decimal(1)], [None, None])
    assert error.value.interval == 1
    assert priced([Decimal(0)], [None]) == 0


def test_availability_is_power_times_hours_times_price():
    assert availability(np.full(4, 500.0), [Decimal(8)] * 4, 15) == Decimal(4)
    assert settled_kwh(np.array([1.0]), 15) == [Decimal("0.25")]


def test_the_rules_own_example_of_rounding():
    by_owner, _ = split_top_down(100, [Decimal(1)] * 3, ["a", "b", "c"], ["A", "B", "C"])
    assert by_owner == {"A": 34, "B": 33, "C": 33}


@given(st.integers(-(10**7), 10**7), weights, st.randoms())
def test_the_split_is_exact_near_the_true_share_and_does_not_depend_on_the_order(total, split, random):
    devices = [f"d{row:02}" for row in range(len(split))]
    owners = [f"o{row % 4}" for row in range(len(split))]
    basis, _ = delivery_weights(split, [Decimal(0)] * len(split))
    by_owner, by_device = split_top_down(total, basis, devices, owners)
    assert sum(by_owner.values()) == sum(by_device.values()) == total
    for owner, part in by_owner.items():
        exact = total * sum(w for w, name in zip(basis, owners, strict=True) if name == owner) / sum(basis)
        assert abs(part - exact) < 1 + Decimal("1e-9")
    order = list(range(len(split)))
    random.shuffle(order)
    again = split_top_down(total, [basis[i] for i in order], [devices[i] for i in order], [owners[i] for i in order])
    assert again == (by_owner, by_device)


@given(st.integers(0, 10**7), weights)
def test_a_larger_weight_never_earns_less(total, split):
    basis, _ = delivery_weights(split, [Decimal(0)] * len(split))
    devices = [f"d{row:02}" for row in range(len(split))]
    by_owner, _ = split_top_down(total, basis, devices, devices)
    rows = sorted(zip(basis, devices, strict=True), key=lambda row: (row[0], [-ord(c) for c in row[1]]))
    assert [by_owner[name] for _, name in rows] == sorted(by_owner.values())


def test_weights_fall_back_to_capacity_and_then_to_equal():
    zero = [Decimal(0), Decimal(-3)]
    assert delivery_weights([Decimal(-1), Decimal(2)], zero) == ([Decimal(0), Decimal(2)], "delivered")
    assert delivery_weights(zero, [Decimal(4), Decimal(1)]) == ([Decimal(4), Decimal(1)], "available")
    assert delivery_weights(zero, zero) == ([Decimal(1), Decimal(1)], "equal")


@given(st.integers(-(10**6), 10**6), st.decimals(0, 1, places=4), st.decimals(0, 50, places=2))
def test_an_owner_is_never_pushed_negative_and_no_cent_goes_missing(gross, share, fee):
    credit = owner_credit("o", gross, share, fee)
    assert credit.paid_cents >= 0
    assert credit.paid_cents + credit.fee_cents + credit.kept_cents == gross
