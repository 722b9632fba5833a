"""Owners' parts of an award by the rules of their contracts; whole cents, nothing lost.

All owners share pro rata to delivered energy first. Those with a marginal or Shapley contract then share what fell to
them together by what each is worth; floors and tariffs replace the share of the part. The platform keeps the rest, and
bears what floors and tariffs cost beyond the revenue: no owner is ever pushed below zero.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from vpp.lib.money import allocate_cents, cents, from_cents, quantize_cents
from vpp.settlement.kernels.allocation import Credit, owner_credit, split_top_down
from vpp.settlement.kernels.coalitions import marginal_values, shapley_values

PRO_RATA, FLOOR_PLUS_SHARE = "PRO_RATA_DELIVERED", "FLOOR_PLUS_SHARE"
MARGINAL, SHAPLEY, TARIFF = "MARGINAL", "SHAPLEY", "TARIFF"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """How an owner is paid. floor_per_event EUR; tariff_per_kwh EUR, whatever the market paid."""

    share_pu: Decimal = ZERO
    fee_per_event: Decimal = ZERO
    split_rule: str = PRO_RATA
    floor_per_event: Decimal = ZERO
    tariff_per_kwh: Decimal = ZERO


NO_CONTRACT = ContractTerms()


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose the N devices are. terms by owner; an owner without a contract is missing there: kept, not lost."""

    devices: Sequence[str]
    owner_of: Sequence[str]
    available_kw: Sequence[Decimal]
    terms: Mapping[str, ContractTerms]

    def terms_of(self, owner: str) -> ContractTerms:
        return self.terms.get(owner, NO_CONTRACT)


@dataclass(frozen=True, slots=True)
class Shares:
    """An award's pool among owners and devices, cents; credits are what owners get of it."""

    by_device: Mapping[str, int]
    credits: list[Credit]


def split_award(
    pool_cents: int,
    weights: Sequence[Decimal],
    delivered_kwh: Sequence[Decimal],
    owners: Owners,
    worth: Callable[[NDArray[np.bool_]], float],
) -> Shares:
    """Split a pool over owners and their devices.

    weights, delivered_kwh : one per device. worth : EUR that the award would earn with some devices alone, (N,) mask.
    """
    if not owners.devices:  # without any, the platform keeps what there is
        return Shares({}, [])
    by_owner, by_device = split_top_down(pool_cents, weights, owners.devices, owners.owner_of)
    for rule in (MARGINAL, SHAPLEY):
        group = sorted(owner for owner in by_owner if owners.terms_of(owner).split_rule == rule)
        if len(group) > 1:
            _share_by_worth(rule, group, by_owner, owners, worth)
            _devices_again(group, by_owner, by_device, weights, owners)
    return Shares(by_device, _credits(by_owner, delivered_kwh, owners))


def _share_by_worth(
    rule: str,
    group: Sequence[str],
    by_owner: dict[str, int],
    owners: Owners,
    worth: Callable[[NDArray[np.bool_]], float],
) -> None:
    """Divide what the group got together by its members' values, rescaled to it; a negative value counts as nothing."""
    owner_of = np.array(owners.owner_of)
    outside = ~np.isin(owner_of, group)
    masks = np.array([owner_of == owner for owner in group])

    def value(members: NDArray[np.bool_]) -> float:
        return worth(outside | masks[members].any(axis=0))

    values = (marginal_values if rule == MARGINAL else shapley_values)(len(group), value)
    positive = np.maximum(values, 0.0)
    if positive.sum() <= 0:
        return  # nobody adds anything: the pro-rata parts stand
    together = sum(by_owner[owner] for owner in group)
    by_owner.update(zip(group, allocate_cents(together, [float(v) for v in positive], group), strict=True))


def _devices_again(
    group: Sequence[str],
    by_owner: Mapping[str, int],
    by_device: dict[str, int],
    weights: Sequence[Decimal],
    owners: Owners,
) -> None:
    for owner in group:
        rows = [row for row, name in enumerate(owners.owner_of) if name == owner]
        keys, own = [owners.devices[row] for row in rows], [weights[row] for row in rows]
        own = own if any(own) else [Decimal(1)] * len(own)
        by_device.update(zip(keys, allocate_cents(by_owner[owner], own, keys), strict=True))


def _credits(by_owner: Mapping[str, int], delivered_kwh: Sequence[Decimal], owners: Owners) -> list[Credit]:
    """One credit per owner in key order."""
    delivered: dict[str, Decimal] = dict.fromkeys(by_owner, ZERO)
    for owner, energy in zip(owners.owner_of, delivered_kwh, strict=True):
        delivered[owner] += max(ZERO, energy)
    remaining = _after_floors(by_owner, owners)
    found = []
    for owner, gross in sorted(by_owner.items()):
        terms = owners.terms_of(owner)
        if terms.split_rule == TARIFF:
            found.append(_credit(owner, gross, cents(quantize_cents(delivered[owner] * terms.tariff_per_kwh)), terms))
        elif terms.split_rule == FLOOR_PLUS_SHARE:
            share = quantize_cents(from_cents(remaining[owner]) * terms.share_pu)
            found.append(_credit(owner, gross, cents(quantize_cents(terms.floor_per_event) + share), terms))
        else:
            found.append(owner_credit(owner, gross, terms.share_pu, terms.fee_per_event))
    return found


def _after_floors(by_owner: Mapping[str, int], owners: Owners) -> dict[str, int]:
    """What is left of the floor owners' pool after all their floors, never below zero, by their parts."""
    group = sorted(owner for owner in by_owner if owners.terms_of(owner).split_rule == FLOOR_PLUS_SHARE)
    floors = sum(cents(quantize_cents(owners.terms_of(owner).floor_per_event)) for owner in group)
    left = max(0, sum(by_owner[owner] for owner in group) - floors)
    parts = [max(0, by_owner[owner]) for owner in group]
    return dict(zip(group, allocate_cents(left, [Decimal(part) for part in parts], group), strict=True))


def _credit(owner: str, gross_cents: int, credit_cents: int, terms: ContractTerms) -> Credit:
    fee_cents = min(credit_cents, cents(quantize_cents(terms.fee_per_event)))
    return Credit(owner, gross_cents, credit_cents - fee_cents, fee_cents, gross_cents - credit_cents)
