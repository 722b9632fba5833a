"""One closed day of a portfolio: from awards, baselines and prices to shares, revenue and each owner's cents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from vpp.lib.money import cents, quantize_cents
from vpp.settlement.kernels.allocation import Credit, delivery_weights, owner_credits, split_top_down
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.fleet import FleetBaseline
from vpp.settlement.kernels.performance import Obligation, Rank, delivered_shares, share_delivery
from vpp.settlement.kernels.revenue import AwardTerms, Revenue, revenue_of
from vpp.settlement.kernels.value import settled_kwh

RANKS = {"ASK": Rank.ASK, "RESERVE_UP": Rank.RESERVE, "RESERVE_DOWN": Rank.RESERVE, "ENERGY": Rank.ENERGY}


@dataclass(frozen=True, slots=True)
class AwardDay:
    """One award on the day.

    up_kw, down_kw : (H,) awarded. called_pu : (H,) share of it that was called; 1 but for reserve.
    """

    key: str
    terms: AwardTerms
    up_kw: FloatArray
    down_kw: FloatArray
    called_pu: FloatArray

    @property
    def obligation(self) -> Obligation:
        """What was called for."""
        rank = RANKS[self.terms.product_kind]
        return Obligation(rank, self.up_kw * self.called_pu, self.down_kw * self.called_pu)


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose the N devices are. owner_share_pu and fees by owner; an owner without a contract is missing there."""

    devices: Sequence[str]
    owner_of: Sequence[str]
    available_kw: Sequence[Decimal]
    share_pu: Mapping[str, Decimal]
    fees: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class AwardResult:
    """What one award came to. Arrays (H,) signed, up positive; per device (N,)."""

    key: str
    committed_kw: FloatArray
    delivered_kw: FloatArray
    committed_kwh: Decimal
    delivered_kwh: Decimal
    share: float | None
    raw_share: float | None
    revenue: Revenue
    device_kwh: list[Decimal]
    weights: list[Decimal]
    weight_basis: str
    device_cents: Mapping[str, int]
    credits: list[Credit]
    findings: list[dict[str, Any]] = field(default_factory=list)


def settle_awards(
    awards: Sequence[AwardDay], fleet: FleetBaseline, owners: Owners, step_minutes: int
) -> list[AwardResult]:
    """Every award of the day, in the given order."""
    attributed, _ = share_delivery(fleet.delivered_kw, [award.obligation for award in awards])
    parts = device_parts(attributed, awards, fleet.device_delivered_kw)
    return [
        _settle_award(award, attributed[row], parts[row], fleet.is_payable, owners, step_minutes)
        for row, award in enumerate(awards)
    ]


def device_parts(attributed_kw: FloatArray, awards: Sequence[AwardDay], device_kw: FloatArray) -> list[FloatArray]:
    """Per award (N, H) non-negative kW that each device gave along the award's direction.

    Where several awards run in one direction, a device's power is divided between them as the portfolio's was.
    """
    signs = np.array([np.sign(award.obligation.signed_kw) for award in awards]).reshape(attributed_kw.shape)
    along = np.maximum(signs * attributed_kw, 0.0)
    parts = []
    for row in range(len(awards)):
        same = np.where(signs == signs[row], along, 0.0).sum(axis=0)
        fraction = np.divide(along[row], same, out=np.zeros_like(same), where=same > 0)
        parts.append(np.maximum(signs[row] * device_kw, 0.0) * fraction)
    return parts


def _settle_award(
    award: AwardDay, delivered_kw: FloatArray, device_kw: FloatArray, payable: bool, owners: Owners, step_minutes: int
) -> AwardResult:
    committed_kw = award.obligation.signed_kw
    capacity_kw = award.up_kw + award.down_kw
    share, raw_share = delivered_shares(delivered_kw, committed_kw)
    revenue = revenue_of(award.terms, committed_kw, delivered_kw, capacity_kw, share, payable, step_minutes)
    kwh = settled_kwh(device_kw.sum(axis=1), step_minutes)
    weights, basis = delivery_weights(kwh, owners.available_kw)
    by_owner: dict[str, int] = {}
    by_device: dict[str, int] = {}
    if owners.devices:  # without any, the platform keeps what there is
        by_owner, by_device = split_top_down(cents(revenue.amount), weights, owners.devices, owners.owner_of)
    along = np.sign(committed_kw) * delivered_kw
    return AwardResult(
        key=award.key,
        committed_kw=committed_kw,
        delivered_kw=delivered_kw,
        committed_kwh=sum(settled_kwh(np.abs(committed_kw), step_minutes), Decimal(0)),
        delivered_kwh=sum(settled_kwh(along, step_minutes), Decimal(0)),
        share=None if np.isnan(share) else share,
        raw_share=None if np.isnan(raw_share) else raw_share,
        revenue=revenue,
        device_kwh=kwh,
        weights=weights,
        weight_basis=basis,
        device_cents=by_device,
        credits=owner_credits(by_owner, owners.share_pu, owners.fees),
        findings=[{"finding": finding, "award": award.key} for finding in revenue.findings],
    )


def total(amounts: Sequence[Decimal]) -> Decimal:
    """A sum of amounts that are whole cents."""
    return quantize_cents(sum(amounts, Decimal(0)))
