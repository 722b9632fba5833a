"""The resettlement calendar of a market for one delivery day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from vpp.settlement.models import ResettlementStep
from vpp.settlement.queries.rules import NO_PINS, holidays_before


@dataclass(frozen=True)
class Due:
    """A step and the date on which it is due."""

    name: str
    date: date
    disputable: bool


def resettlement_dates(market_code: str, delivery_date: date, zone_code: str = "") -> list[Due]:
    """The steps of the calendar in force on the delivery day, earliest first. `zone_code`: whose holidays count."""
    from vpp.settlement.kernels.resettlement import due_date

    steps = list(ResettlementStep.objects.in_force(delivery_date).filter(market_code=market_code))
    last = date(delivery_date.year + 1, 12, 31)
    holidays = holidays_before(zone_code, last, NO_PINS) if zone_code else frozenset()
    due = [
        Due(step.name, due_date(delivery_date, step.offset, step.unit, holidays), step.disputable)
        for step in steps
        if step.valid_from == steps[0].valid_from
    ]
    return sorted(due, key=lambda one: (one.date, one.name))
