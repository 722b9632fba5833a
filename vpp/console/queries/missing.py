"""What a plan cannot meet, as rows: whose, from when to when, which limit, how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_noop

from bidding.models import PlannedDay
from vpp.lib.periods import DeliveryDay

#: What is said of a limit; collected here for the translators.
LIMITS = {
    "must_offer_kw": gettext_noop("capacity obligation, not offered"),
    "committed_up_kw": gettext_noop("promised upwards, not there"),
    "committed_down_kw": gettext_noop("promised downwards, not there"),
    "committed_reserve_kw": gettext_noop("promised reserve, not held"),
    "energy_min_kwh": gettext_noop("stored energy below the floor"),
    "energy_end_kwh": gettext_noop("stored energy at the day's end"),
}


@dataclass(frozen=True)
class MissingLine:
    """Local times, the limit in words, the amount in kW or (of energy) kWh."""

    subject: str
    first: str
    last: str
    what: str
    amount: float
    is_energy: bool


def missing_of(portfolio_id: int, delivery_date: date, day: DeliveryDay) -> list[MissingLine]:
    """Of the newest plan of the day; neighbouring quarter hours with the same amount are one line."""
    planned = PlannedDay.objects.filter(portfolio=portfolio_id, run__delivery_date=delivery_date).order_by("pk").last()
    return lines_of(planned.shortfalls if planned else [], day)


def lines_of(shortfalls: Sequence[Mapping[str, Any]], day: DeliveryDay) -> list[MissingLine]:
    labels = [*day.local_labels(), "24:00"]
    runs: list[tuple[Mapping[str, Any], int]] = []
    for item in shortfalls:
        if runs and _goes_on(*runs[-1], item):
            runs[-1] = (runs[-1][0], item["interval"])
        else:
            runs.append((item, item["interval"]))
    return [
        MissingLine(
            item["subject"], labels[item["interval"]], labels[last + 1], LIMITS.get(item["limit"], item["limit"]),
            item["missing"], item["limit"].endswith("_kwh"),
        )
        for item, last in runs
    ]  # fmt: skip


def _goes_on(before: Mapping[str, Any], last: int, item: Mapping[str, Any]) -> bool:
    same = before["subject"] == item["subject"] and before["limit"] == item["limit"]
    return same and item["interval"] == last + 1 and abs(before["missing"] - item["missing"]) < 0.05
