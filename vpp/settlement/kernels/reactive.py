"""Reactive power on a commit: settled as a commit on real power is, in kvar and EUR/Mvarh, of what the devices said
that they gave. It has no baseline: all of it is an answer to the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from vpp.lib.money import cents
from vpp.settlement.kernels.allocation import delivery_weights
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.contracts import Owners, split_award
from vpp.settlement.kernels.day import AwardDay, AwardResult
from vpp.settlement.kernels.performance import Obligation, Rank, delivered_shares, share_delivery
from vpp.settlement.kernels.revenue import Revenue, revenue_of
from vpp.settlement.kernels.value import settled_kwh


@dataclass(frozen=True, slots=True)
class ReactiveDay:
    """One order, injection positive. ordered_kvar, delivered_kvar: (H,); device_kvar: (N, H) non-negative, what each
    device gave in the order's direction."""

    ordered_kvar: FloatArray
    delivered_kvar: FloatArray
    device_kvar: FloatArray


def share_kvar(orders: Sequence[FloatArray], given_kvar: FloatArray) -> list[ReactiveDay]:
    """What (N, H) given by the inverters of one feeder is to each of its orders (H,), by the rule of real power."""
    owed = [Obligation(Rank.ASK, np.maximum(kvar, 0.0), np.maximum(-kvar, 0.0)) for kvar in orders]
    attributed, _ = share_delivery(given_kvar.sum(axis=0), owed)
    found = []
    for kvar, delivered in zip(orders, attributed, strict=True):
        alike = sum((np.abs(other) * (np.sign(other) == np.sign(kvar)) for other in orders), np.zeros_like(kvar))
        part = np.divide(np.abs(kvar), alike, out=np.zeros_like(kvar), where=alike > 0.0)
        found.append(ReactiveDay(kvar, delivered, np.maximum(np.sign(kvar) * given_kvar, 0.0) * part))
    return found


def settle_reactive(award: AwardDay, day: ReactiveDay, owners: Owners, step_minutes: int) -> AwardResult:
    """The award in money; its kilowatts are 0, its kvar stand in the detail of the revenue. Devices share by kvarh."""
    revenue, size = _earned(award, day, day.delivered_kvar, step_minutes), day.ordered_kvar.size
    share, raw_share = delivered_shares(day.delivered_kvar, day.ordered_kvar)
    whole = day.device_kvar.sum(axis=0)

    def worth(devices: NDArray[np.bool_]) -> float:
        some = np.divide(day.device_kvar[devices].sum(axis=0), whole, out=np.zeros_like(whole), where=whole > 0)
        part = _earned(award, day, day.delivered_kvar * some, step_minutes)
        return float(part.amount - part.penalty)

    weights, basis = delivery_weights(settled_kwh(day.device_kvar.sum(axis=1), step_minutes), owners.available_kw)
    no_energy = [Decimal(0)] * len(owners.devices)
    shares = split_award(cents(revenue.amount), weights, no_energy, owners, worth)
    told = {"ordered_kvar": day.ordered_kvar.tolist(), "delivered_kvar": (day.delivered_kvar + 0.0).tolist()}
    return AwardResult(
        key=award.key,
        committed_kw=np.zeros(size),
        delivered_kw=np.zeros(size),
        committed_kwh=Decimal(0),
        delivered_kwh=Decimal(0),
        share=None if np.isnan(share) else share,
        raw_share=None if np.isnan(raw_share) else raw_share,
        revenue=replace(revenue, detail={**revenue.detail, "reactive": told}),
        pool=revenue.amount,
        device_kwh=no_energy,
        weights=weights,
        weight_basis=basis,
        device_cents=shares.by_device,
        credits=shares.credits,
        findings=[{"finding": finding, "award": award.key} for finding in revenue.findings],
    )


def _earned(award: AwardDay, day: ReactiveDay, kvar: FloatArray, step_minutes: int) -> Revenue:
    credited, _ = delivered_shares(kvar, day.ordered_kvar)
    return revenue_of(award.terms, day.ordered_kvar, kvar, np.zeros_like(kvar), credited, True, step_minutes)
