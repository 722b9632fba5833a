"""Owners' parts by contract: floors, marginal and Shapley values, tariffs; values of games that are in the textbooks."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations

import numpy as np
import pytest

from vpp.settlement.kernels.coalitions import marginal_values, shapley_exact, shapley_sampled, shapley_values
from vpp.settlement.kernels.contracts import (
    FLOOR_PLUS_SHARE,
    MARGINAL,
    SHAPLEY,
    TARIFF,
    ContractTerms,
    Owners,
    Shares,
    split_award,
)


def glove(members: np.ndarray) -> float:
    """One left glove (member 0), two right ones: a pair is worth 1. Shapley 2/3, 1/6, 1/6 (Shapley & Shubik)."""
    return float(members[0] and members[1:].any())


def airport(members: np.ndarray) -> float:
    """A runway costs what its largest plane needs: 1, 2, 3 (Littlechild & Owen 1973): 1/3, 5/6, 11/6."""
    return float(np.max(np.where(members, [1.0, 2.0, 3.0], 0.0)))


def test_shapley_values_are_those_of_the_textbooks() -> None:
    assert shapley_exact(3, glove) == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert shapley_exact(3, airport) == pytest.approx([1 / 3, 5 / 6, 11 / 6])
    assert marginal_values(3, glove).tolist() == [1.0, 0.0, 0.0]


def by_all_orders(count: int, value: Callable[[np.ndarray], float]) -> list[float]:
    """Shapley values by their definition: the mean contribution over every order."""
    found = [0.0] * count
    orders = list(permutations(range(count)))
    for order in orders:
        members = np.zeros(count, dtype=bool)
        for member in order:
            before = value(members)
            members[member] = True
            found[member] += (value(members) - before) / len(orders)
    return found


def band(members: np.ndarray) -> float:
    """A payment with a threshold: nothing under 10 delivered, then 3 a unit, at most 20 units."""
    delivered = float(np.sum(np.array([1.0, 4.0, 6.0, 7.0, 9.0])[: members.size][members]))
    return 0.0 if delivered < 10 else 3.0 * min(delivered, 20.0)


def test_exact_values_are_the_mean_over_every_order_and_sum_to_the_whole() -> None:
    values = shapley_exact(5, band)
    assert values == pytest.approx(by_all_orders(5, band))
    assert values.sum() == pytest.approx(band(np.ones(5, dtype=bool)))


def test_sampled_values_are_near_the_exact_ones_and_the_same_every_time() -> None:
    sizes = np.arange(1.0, 13.0)

    def capped(members: np.ndarray) -> float:
        return float(min(sizes[members].sum(), 50.0))

    sampled = shapley_values(12, capped, seed=3)
    assert sampled.sum() == pytest.approx(50.0)
    assert sampled == pytest.approx(shapley_exact(12, capped), abs=0.75)  # three standard errors of 0.5 %
    assert np.array_equal(sampled, shapley_sampled(12, capped, seed=3))


DEVICES, KWH = ("a1", "b1", "b2", "c1"), [Decimal(10), Decimal(5), Decimal(5), Decimal(20)]
OWNER_OF = ("A", "B", "B", "C")


def split(
    pool_cents: int, terms: dict[str, ContractTerms], worth: Callable[[np.ndarray], float] | None = None
) -> Shares:
    owners = Owners(DEVICES, OWNER_OF, [Decimal(1)] * 4, terms)
    linear = np.array([float(energy) for energy in KWH])
    return split_award(pool_cents, KWH, KWH, owners, worth or (lambda devices: float(linear[devices].sum())))


def paid(shares: Shares) -> dict[str, int]:
    return {credit.owner: credit.paid_cents for credit in shares.credits}


def test_where_value_is_linear_shapley_and_marginal_are_the_pro_rata_parts() -> None:
    for rule in (MARGINAL, SHAPLEY):
        terms = dict.fromkeys("ABC", ContractTerms(share_pu=Decimal(1), split_rule=rule))
        shares = split(1000, terms)
        assert paid(shares) == {"A": 250, "B": 250, "C": 500}
        assert sum(shares.by_device.values()) == 1000


def test_whoever_makes_the_threshold_is_worth_more_than_their_energy() -> None:
    # 20 kWh are needed: C alone makes it, A and B only together. Orders: A 1/6, B 1/6, C 4/6 of 6 EUR
    def threshold(devices: np.ndarray) -> float:
        return 6.0 if float(np.array([10.0, 5.0, 5.0, 20.0])[devices].sum()) >= 20 else 0.0

    terms = dict.fromkeys("ABC", ContractTerms(share_pu=Decimal(1), split_rule=SHAPLEY))
    assert paid(split(600, terms, threshold)) == {"A": 100, "B": 100, "C": 400}
    # marginally nobody is needed: the pro-rata parts stand
    terms = dict.fromkeys("ABC", ContractTerms(share_pu=Decimal(1), split_rule=MARGINAL))
    assert paid(split(600, terms, threshold)) == {"A": 150, "B": 150, "C": 300}


def test_only_the_owners_of_such_contracts_share_by_worth_what_fell_to_them() -> None:
    terms = {
        "A": ContractTerms(share_pu=Decimal(1), split_rule=SHAPLEY),
        "B": ContractTerms(share_pu=Decimal(1), split_rule=SHAPLEY),
        "C": ContractTerms(share_pu=Decimal("0.5")),
    }
    shares = split(1000, terms, lambda devices: 3.0 * devices[0] + 1.0 * devices[1:3].any())
    assert paid(shares) == {"A": 375, "B": 125, "C": 250}
    assert shares.by_device == {"a1": 375, "b1": 63, "b2": 62, "c1": 500}


def test_a_floor_is_paid_first_and_the_platform_bears_what_the_pool_lacks() -> None:
    floor = ContractTerms(share_pu=Decimal("0.5"), split_rule=FLOOR_PLUS_SHARE, floor_per_event=Decimal(1))
    # 10.00: floors 3.00, left 7.00 by 1:1:2, half of it: 0.875 -> 0.88 (half even), 0.88, 1.75
    assert paid(split(1000, dict.fromkeys("ABC", floor))) == {"A": 188, "B": 188, "C": 275}
    poor = split(200, dict.fromkeys("ABC", floor))
    assert paid(poor) == {"A": 100, "B": 100, "C": 100}
    assert sum(credit.kept_cents for credit in poor.credits) == -100
    assert paid(split(-500, dict.fromkeys("ABC", floor))) == {"A": 100, "B": 100, "C": 100}


def test_a_tariff_pays_the_energy_whatever_the_market_paid_less_the_fee() -> None:
    tariff = ContractTerms(split_rule=TARIFF, tariff_per_kwh=Decimal("0.12345"), fee_per_event=Decimal("0.20"))
    for pool in (1000, 0, -700):
        assert paid(split(pool, {"C": tariff})) == {"A": 0, "B": 0, "C": 227}  # 20 x 0.12345 = 2.469 -> 2.47 - 0.20


def test_every_cent_is_paid_kept_or_a_fee() -> None:
    terms = {
        "A": ContractTerms(share_pu=Decimal("0.333"), fee_per_event=Decimal("0.07"), split_rule=SHAPLEY),
        "B": ContractTerms(share_pu=Decimal("0.7"), split_rule=FLOOR_PLUS_SHARE, floor_per_event=Decimal("0.31")),
    }
    for pool in (1, 99, 1001, -17):
        shares = split(pool, terms)
        assert sum(c.paid_cents + c.fee_cents + c.kept_cents for c in shares.credits) == pool
        assert sum(shares.by_device.values()) == pool
