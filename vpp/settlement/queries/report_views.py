"""What a report on a commit shows, from the rows of a settlement run."""

from __future__ import annotations

from vpp.lib.periods import DeliveryDay
from vpp.settlement.kernels.report_forms import Interval, ReportView
from vpp.settlement.models import Performance


def ordered_kvar(performance: Performance) -> list[float] | None:
    """(H,) injection positive; None for real power."""
    ordered = getattr(performance.award, "ordered_option", None)
    found: list[float] | None = ordered.kvar if ordered else None
    return found


def delivered_kvar(performance: Performance) -> list[float] | None:
    """(H,) injection positive, as the inverters told; None for real power, and where no device was asked."""
    found: list[float] | None = performance.explanation.get("reactive", {}).get("delivered_kvar")
    return found


def _reactive_intervals(day: DeliveryDay, ordered: list[float], delivered: list[float] | None) -> list[Interval]:
    """In the direction of the order; intervals without one are left out. delivered: None where nobody was asked."""
    given = [None] * len(ordered) if delivered is None else delivered
    return [
        Interval(start, None, abs(asked), None, None if kvar is None else kvar if asked > 0 else 0.0 - kvar)
        for start, asked, kvar in zip(day.starts(), ordered, given, strict=True)
        if asked
    ]


def _real_intervals(day: DeliveryDay, performance: Performance) -> list[Interval]:
    """In the direction of the order; intervals without one are left out."""
    sign = -1.0 if sum(power or 0.0 for power in performance.committed_kw) < 0 else 1.0
    return [
        Interval(
            start=start,
            baseline_kw=performance.baseline_kw[index],
            ordered_kw=abs(ordered or 0.0),
            metered_kw=performance.metered_kw[index],
            delivered_kw=None if (moved := performance.delivered_kw[index]) is None else sign * moved,
        )
        for index, (start, ordered) in enumerate(zip(day.starts(), performance.committed_kw, strict=True))
        if ordered
    ]


def report_view(performance: Performance) -> ReportView:
    """One performance on an ask, in the direction of the ask; intervals without an order are left out."""
    award = performance.award
    ask = award.bid.ask
    if ask is None:
        raise ValueError(f"{performance} is not on an ask")
    day = DeliveryDay(ask.delivery_date, ask.time_zone)
    kvar, given = ordered_kvar(performance), delivered_kvar(performance)
    return ReportView(
        ask=ask.reference,
        revision=ask.revision,
        bid=award.bid_id,
        commit=award.own_reference,
        congestion_point=ask.congestion_point.code,
        direction=ask.direction,
        delivery_date=ask.delivery_date,
        version=performance.run.version,
        state=performance.run.state,
        as_of=performance.run.as_of,
        time_zone=ask.time_zone,
        price_per_mwh=max(award.price_per_mwh),
        share=performance.share,
        revenue=performance.revenue,
        penalty=performance.penalty,
        currency=performance.currency,
        intervals=_real_intervals(day, performance) if kvar is None else _reactive_intervals(day, kvar, given),
        most_kvar=max((abs(value) for value in kvar or []), default=0.0),
        unit="kW" if kvar is None else "kvar",
    )
