"""Money: Decimal, rounded half-even, once; and splits of whole cents that lose none."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

CENT = Decimal("0.01")


def quantize_cents(amount: Decimal) -> Decimal:
    """Round to whole cents, half to even (the rule every contract states)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def cents(amount: Decimal) -> int:
    """Whole cents of an amount that is already rounded; ValueError if it is not."""
    scaled = amount * 100
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} is not a whole number of cents")
    return int(scaled)


def from_cents(amount_cents: int) -> Decimal:
    return Decimal(amount_cents) * CENT


def allocate_cents(total: int, weights: Sequence[float | Decimal], keys: Sequence[str]) -> list[int]:
    """Split `total` cents in proportion to `weights` by largest remainder; the parts sum to `total` exactly.

    weights : non-negative and not all zero (unless total is 0), one per key. Ties in the remainder go to the smaller
    key, never to the row order, so the result does not depend on the order of the rows. A negative total is split by
    its absolute value.

    Raises ValueError if lengths disagree, a weight is negative or no weight is positive.
    """
    if len(weights) != len(keys):
        raise ValueError(f"{len(weights)} weights for {len(keys)} keys")
    exact_weights = [Fraction(weight) for weight in weights]
    if any(weight < 0 for weight in exact_weights):
        raise ValueError("a weight is negative")
    weight_sum = sum(exact_weights)
    if weight_sum == 0:
        if total == 0:
            return [0] * len(keys)
        raise ValueError(f"no positive weight to carry {total} cents")
    pool = abs(total)
    shares = [pool * weight / weight_sum for weight in exact_weights]
    floors = [int(share) for share in shares]
    order = sorted(range(len(keys)), key=lambda row: (floors[row] - shares[row], keys[row]))
    for row in order[: pool - sum(floors)]:
        floors[row] += 1
    sign = -1 if total < 0 else 1
    return [sign * part for part in floors]
