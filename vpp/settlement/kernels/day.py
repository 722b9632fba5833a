"""One closed day of a portfolio: from awards, baselines and prices to shares, revenue and each owner's cents."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpp.lib.money import cents, quantize_cents
from vpp.settlement.kernels.allocation import Credit, delivery_weights
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.contracts import Owners, split_award
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
class AwardResult:
    """What one award came to. Arrays (H,) signed, up positive; per device (N,).

    pool : EUR that owners share: what the award would earn at the level of the devices. The market pays at the level
           of the portfolio; the difference is the portfolio effect, the platform's own and shown apart.
    """

    key: str
    committed_kw: FloatArray
    delivered_kw: FloatArray
    committed_kwh: Decimal
    delivered_kwh: Decimal
    share: float | None
    raw_share: float | None
    revenue: Revenue
    pool: Decimal
    device_kwh: list[Decimal]
    weights: list[Decimal]
    weight_basis: str
    device_cents: Mapping[str, int]
    credits: list[Credit]
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def portfolio_effect(self) -> Decimal:
        """Revenue at the level of the portfolio less that of its devices."""
        return self.revenue.amount - self.pool


def settle_awards(
    awards: Sequence[AwardDay], fleet: FleetBaseline, owners: Owners, step_minutes: int
) -> list[AwardResult]:
    """Every award of the day, in the given order."""
    attributed, _ = share_delivery(fleet.delivered_kw, [award.obligation for award in awards])
    parts = device_parts(attributed, awards, fleet.device_delivered_kw)  # one award's at a time: they are large
    effect_kw = fleet.device_delivered_kw.sum(axis=0) - np.nan_to_num(fleet.delivered_kw, nan=0.0)
    return [
        _settle_award(_Part(award, attributed[row], *part, effect_kw), fleet.is_payable, owners, step_minutes)
        for row, (award, part) in enumerate(zip(awards, parts, strict=True))
    ]


def device_parts(
    attributed_kw: FloatArray, awards: Sequence[AwardDay], device_kw: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Per award: (N, H) non-negative kW that each device gave along the award's direction, and the (H,) fraction of
    all that was delivered on awards that is this award's.

    Where several awards run in one direction, a device's power is divided between them as the portfolio's was.
    """
    signs = np.array([np.sign(award.obligation.signed_kw) for award in awards]).reshape(attributed_kw.shape)
    along = np.maximum(signs * attributed_kw, 0.0)
    everything = along.sum(axis=0)
    for row in range(len(awards)):
        same = np.where(signs == signs[row], along, 0.0).sum(axis=0)
        fraction = np.divide(along[row], same, out=np.zeros_like(same), where=same > 0)
        of_all = np.divide(along[row], everything, out=np.zeros_like(everything), where=everything > 0)
        yield np.maximum(signs[row] * device_kw, 0.0) * fraction, of_all


@dataclass(frozen=True, slots=True)
class _Part:
    """What is one award's of the day. effect_kw (H,): the devices' sum less the portfolio, up positive."""

    award: AwardDay
    delivered_kw: FloatArray
    device_kw: FloatArray
    fraction: FloatArray
    effect_kw: FloatArray

    @property
    def device_level_kw(self) -> FloatArray:
        """(H,) signed delivery as the sum of the devices' own baselines has it."""
        return self.delivered_kw + self.fraction * self.effect_kw


def _settle_award(part: _Part, payable: bool, owners: Owners, step_minutes: int) -> AwardResult:
    award, delivered_kw = part.award, part.delivered_kw
    committed_kw = award.obligation.signed_kw
    share, raw_share = delivered_shares(delivered_kw, committed_kw)

    def earned(power_kw: FloatArray) -> Revenue:
        capacity_kw = award.up_kw + award.down_kw
        credited, _ = delivered_shares(power_kw, committed_kw)
        return revenue_of(award.terms, committed_kw, power_kw, capacity_kw, credited, payable, step_minutes)

    def worth(devices: NDArray[np.bool_]) -> float:
        whole = part.device_kw.sum(axis=0)
        some = np.divide(part.device_kw[devices].sum(axis=0), whole, out=np.zeros_like(whole), where=whole > 0)
        revenue = earned(part.device_level_kw * some)
        return float(revenue.amount - revenue.penalty)

    revenue = earned(delivered_kw)
    pool = earned(part.device_level_kw).amount if owners.devices else revenue.amount
    kwh = settled_kwh(part.device_kw.sum(axis=1), step_minutes)
    weights, basis = delivery_weights(kwh, owners.available_kw)
    shares = split_award(cents(pool), weights, kwh, owners, worth)
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
        pool=pool,
        device_kwh=kwh,
        weights=weights,
        weight_basis=basis,
        device_cents=shares.by_device,
        credits=shares.credits,
        findings=[{"finding": finding, "award": award.key} for finding in revenue.findings],
    )


def total(amounts: Sequence[Decimal]) -> Decimal:
    """A sum of amounts that are whole cents."""
    return quantize_cents(sum(amounts, Decimal(0)))
