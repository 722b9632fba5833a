"""Splitting money over owners and their devices so that every cent is kept.

Top-down (portfolio, owner, device): each level is split from its parent's whole cents by largest remainder, ties by
key, never by row order. Nothing is rounded per interval and then summed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from vpp.lib.money import allocate_cents, cents, from_cents, quantize_cents

DELIVERED = "delivered"
AVAILABLE = "available"
EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Credit:
    """One owner's part of an award's revenue, in whole cents: gross = paid + fee + kept."""

    owner: str
    gross_cents: int
    paid_cents: int
    fee_cents: int
    kept_cents: int


def delivery_weights(delivered_kwh: Sequence[Decimal], available_kw: Sequence[Decimal]) -> tuple[list[Decimal], str]:
    """Weights max(0, delivered); if all are zero the available capacity, then equal. Says which basis was used."""
    delivered = [max(Decimal(0), energy) for energy in delivered_kwh]
    if any(delivered):
        return delivered, DELIVERED
    available = [max(Decimal(0), power) for power in available_kw]
    if any(available):
        return available, AVAILABLE
    return [Decimal(1)] * len(delivered), EQUAL


def split_top_down(
    total_cents: int, weights: Sequence[Decimal], devices: Sequence[str], owners: Sequence[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """(cents by owner, cents by device): owners by the sum of their devices' weights, devices inside their owner."""
    rows: dict[str, list[int]] = {}
    for row, owner in enumerate(owners):
        rows.setdefault(owner, []).append(row)
    names = sorted(rows)
    owner_weights = [sum((weights[row] for row in rows[name]), Decimal(0)) for name in names]
    by_owner = dict(zip(names, allocate_cents(total_cents, owner_weights, names), strict=True))
    by_device: dict[str, int] = {}
    for name in names:
        keys = [devices[row] for row in rows[name]]
        own = [weights[row] for row in rows[name]]
        by_device.update(zip(keys, allocate_cents(by_owner[name], own, keys), strict=True))
    return by_owner, by_device


def owner_credit(owner: str, gross_cents: int, share_pu: Decimal, fee: Decimal) -> Credit:
    """What an owner is paid of their gross part: share half-even, less the fee; never below zero.

    A loss (negative gross) is not pushed onto owners: the platform keeps it.
    """
    if gross_cents <= 0:
        return Credit(owner, gross_cents, 0, 0, gross_cents)
    credit = cents(quantize_cents(from_cents(gross_cents) * share_pu))
    fee_cents = min(credit, cents(quantize_cents(fee)))
    return Credit(owner, gross_cents, credit - fee_cents, fee_cents, gross_cents - credit)
