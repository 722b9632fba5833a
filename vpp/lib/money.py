"""Money: Decimal, rounded half-even, once; and splits of whole cents that lose none."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from math import lcm

import numpy as np

CENT = Decimal("0.01")
MANY = 1000  # from here on an array pays


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
    whole_weights = _whole_weights(weights)
    if min(whole_weights, default=0) < 0:
        raise ValueError("a weight is negative")
    weight_sum = sum(whole_weights)
    if weight_sum == 0:
        if total == 0:
            return [0] * len(keys)
        raise ValueError(f"no positive weight to carry {total} cents")
    pool = abs(total)
    exact = [divmod(pool * weight, weight_sum) for weight in whole_weights]
    floors = [floor for floor, _ in exact]
    for row in _largest([rest for _, rest in exact], keys, pool - sum(floors)):
        floors[row] += 1
    return floors if total >= 0 else [-part for part in floors]


def _whole_weights(weights: Sequence[float | Decimal]) -> list[int]:
    """The weights times their common denominator: exact, and much quicker than fractions."""
    ratios = [weight.as_integer_ratio() for weight in weights]
    common = lcm(*{denominator for _, denominator in ratios})
    if common == 1:
        return [numerator for numerator, _ in ratios]
    return [numerator * (common // denominator) for numerator, denominator in ratios]


def _largest(rests: Sequence[int], keys: Sequence[str], count: int) -> list[int]:
    """The rows of the `count` largest remainders; of equal ones those with the smaller keys."""
    if not count:
        return []
    if len(rests) > MANY and max(rests) < 2**63:  # int64 holds them exactly
        values = np.array(rests, dtype=np.int64)
        least = int(np.partition(values, values.size - count)[values.size - count])
        above, level = np.flatnonzero(values > least).tolist(), np.flatnonzero(values == least).tolist()
    else:
        least = sorted(rests, reverse=True)[count - 1]
        above = [row for row, rest in enumerate(rests) if rest > least]
        level = [row for row, rest in enumerate(rests) if rest == least]
    tied = sorted((keys[row], row) for row in level)
    return above + [row for _, row in tied[: count - len(above)]]
