"""A utility's statement beside what we settled; what differs opens disputes, with the evidence of both sides."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bidding.models import Ask
from vpp.settlement.kernels.utility_statement import Difference, TheirInterval, TheirStatement, differences
from vpp.settlement.models import DevicePerformance, Dispute, DisputeEvent, Performance, UtilityStatement


@dataclass(frozen=True)
class Tolerance:
    """What may differ without a dispute: max(kw, pu of ours) in an interval, eur of the net amount."""

    kw: float = 0.5
    pu: float = 0.01
    eur: Decimal = Decimal("0.01")


TOLERANCE = Tolerance()


def compare(
    statement: UtilityStatement,
    order: str,
    ask: Ask,
    theirs: TheirStatement,
    tolerance: Tolerance,
    *,
    at: datetime,
    actor: object,
) -> None:
    """Open a dispute where their statement of an order is not what we settled of its ask."""
    ours = (
        Performance.objects.newest()
        .filter(award__bid__ask=ask)
        .select_related("run", "award")
        .order_by("-run__version")
        .first()
    )
    said = [one for one in theirs.intervals if one.order == order]
    found = _differences(ours, said, theirs.net_by_order.get(order), tolerance)
    if not found:
        return
    dispute = Dispute.objects.create(
        statement=statement,
        ask=ask,
        utility=statement.utility,
        opened_at=at,
        evidence={
            "differences": [{**asdict(one), "difference": one.difference} for one in found],
            "ours": _evidence(ours),
            "theirs": [
                {"isp": one.isp, "ordered_kw": one.ordered_kw, "delivered_kw": one.delivered_kw} for one in said
            ],
        },
    )
    DisputeEvent.objects.create(
        dispute=dispute, state=dispute.state, at=at, by=str(actor)[:120], text="differences found"
    )


def _differences(
    ours: Performance | None, said: list[TheirInterval], net: Decimal | None, tolerance: Tolerance
) -> list[Difference]:
    if ours is None:
        return [Difference(0, "not_settled_here", 0.0, float(net or 0))]
    sign = -1.0 if sum(power or 0.0 for power in ours.committed_kw) < 0 else 1.0
    ordered = [abs(power or 0.0) for power in ours.committed_kw]
    delivered = [sign * (power or 0.0) for power in ours.delivered_kw]
    limits = {"tolerance_kw": tolerance.kw, "tolerance_pu": tolerance.pu}
    found = differences(said, ordered, delivered, **limits) if said else []
    our_net = ours.revenue - ours.penalty
    if net is not None and abs(net - our_net) > tolerance.eur:
        found.append(Difference(0, "net_amount", float(our_net), float(net)))
    return found


def _evidence(ours: Performance | None) -> dict[str, Any]:
    """Where our values come from, as they stood: a later restatement does not change the pack."""
    if ours is None:
        return {}
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
