"""A utility's statement beside what we settled; what differs opens disputes, with the evidence of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bidding.models import Ask
from vpp.settlement.kernels.utility_differences import Difference, TheirSum, differences
from vpp.settlement.models import DevicePerformance, Dispute, DisputeEvent, Performance, UtilityStatement

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Tolerance:
    """What may differ without a dispute: max(kw, pu of ours) in an interval, eur of the net amount."""

    kw: float = 0.5
    pu: float = 0.01
    eur: Decimal = Decimal("0.01")


TOLERANCE = Tolerance()


def compare(
    statement: UtilityStatement, ask: Ask, said: TheirSum, tolerance: Tolerance, *, at: datetime, actor: object
) -> None:
    """Open a dispute where their statement of an ask's orders is not what we settled of all its awards."""
    ours = list(
        Performance.objects.newest().filter(award__bid__ask=ask).select_related("run", "award").order_by("award_id")
    )
    found = _differences(ours, said, tolerance)
    if not found:
        return
    evidence = [_evidence(one) for one in ours]
    dispute = Dispute.objects.create(
        statement=statement,
        ask=ask,
        utility=statement.utility,
        opened_at=at,
        evidence={
            "differences": [{**asdict(one), "difference": one.difference} for one in found],
            "ours": evidence[0] if len(evidence) == 1 else {"awards": evidence} if evidence else {},
            "theirs": [
                {"isp": one.isp, "ordered_kw": one.ordered_kw, "delivered_kw": one.delivered_kw}
                for one in said.intervals
            ],
        },
    )
    DisputeEvent.objects.create(
        dispute=dispute, state=dispute.state, at=at, by=str(actor)[:120], text="differences found"
    )


def _differences(ours: Sequence[Performance], said: TheirSum, tolerance: Tolerance) -> list[Difference]:
    if not ours:
        return [Difference(0, "not_settled_here", 0.0, float(said.net or 0))]
    ordered, delivered = (np.sum(parts, axis=0).tolist() for parts in zip(*map(_along_the_order, ours), strict=True))
    limits = {"tolerance_kw": tolerance.kw, "tolerance_pu": tolerance.pu}
    found = differences(said.intervals, ordered, delivered, **limits) if said.intervals else []
    our_net = sum((one.revenue - one.penalty for one in ours), Decimal(0))
    if said.net is not None and abs(said.net - our_net) > tolerance.eur:
        found.append(Difference(0, "net_amount", float(our_net), float(said.net)))
    return found


def _along_the_order(ours: Performance) -> tuple[FloatArray, FloatArray]:
    """(H,) kW ordered and delivered in the order's direction, no more than ordered: what one award delivers beyond its
    order does not stand for another."""
    committed_kw, delivered_kw = (
        np.array([power or 0.0 for power in series]) for series in (ours.committed_kw, ours.delivered_kw)
    )
    ordered_kw = np.abs(committed_kw)
    along_kw = np.where(committed_kw.sum() < 0, -1.0, 1.0) * delivered_kw
    return ordered_kw, np.where(ordered_kw > 0, np.minimum(along_kw, ordered_kw), 0.0)


def _evidence(ours: Performance) -> dict[str, Any]:
    """Where our values come from, as they stood: a later restatement does not change the pack."""
    parts = DevicePerformance.objects.filter(run=ours.run_id, award=ours.award_id).select_related("device", "profile")
    return {
        "run": str(ours.run),
        "run_checksum": ours.run.checksum,
        "as_of": ours.run.as_of.isoformat(),
        "committed_kw": ours.committed_kw,
        "delivered_kw": ours.delivered_kw,
        "baseline_kw": ours.baseline_kw,
        "metered_kw": ours.metered_kw,
        "revenue": str(ours.revenue),
        "penalty": str(ours.penalty),
        "explanation": ours.explanation,
        "devices": [
            {"device": p.device.code, "profile": str(p.profile), "status": p.status, "readings": p.reading_checksum}
            for p in parts.order_by("device__code")
        ],
    }
