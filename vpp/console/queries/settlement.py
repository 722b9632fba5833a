"""Settlement's runs, their awards, and the baseline behind an award."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from telemetry.queries import interval_power_kw
from vpp.accounts.models import Participant, Principal
from vpp.enrollment.ownership import owners_of
from vpp.lib.periods import DeliveryDay
from vpp.settlement.models import DevicePerformance, Performance, SettlementRun

FloatArray = NDArray[np.float64]
PAGE_SIZE = 50
DEVICE_LIMIT = 200
STEP_MINUTES = 15


@dataclass(frozen=True)
class RunList:
    """A page of runs, the newest delivery day first."""

    runs: list[SettlementRun]
    page: int
    has_next: bool


@dataclass
class BaselineGroup:
    """Devices that share a rule and were settled on their sum.

    chosen_kw  : reference day -> (H,) power of the group on that day's own clock, NaN where a reading is missing.
    actual_kw  : (H,) of the delivery day. mean_kw: (E,) unadjusted, adjusted_kw: (E,) after the same-day adjustment.
    event      : first and one past the last settled interval.
    """

    rule: str
    devices: int
    status: str
    adjustment: dict[str, Any]
    selected: list[tuple[str, float]]
    excluded: list[dict[str, str]]
    event: slice
    mean_kw: FloatArray
    adjusted_kw: FloatArray
    chosen_kw: dict[str, FloatArray] = field(default_factory=dict)
    actual_kw: FloatArray | None = None


@dataclass
class AwardPage:
    """One settled award: the sums, the groups that were matched as one, and the devices."""

    performance: Performance
    day: DeliveryDay
    groups: list[BaselineGroup]
    by_device: list[dict[str, Any]]  # rules that were answered device by device
    devices: list[DevicePerformance]
    device_count: int


def run_list(principal: Principal, *, day: date | None, portfolio: str, state: str, page: int) -> RunList:
    found = SettlementRun.objects.visible_to(principal).select_related("portfolio").defer("rules")
    if day:
        found = found.filter(delivery_date=day)
    if portfolio:
        found = found.filter(portfolio__code__icontains=portfolio)
    if state:
        found = found.filter(state=state)
    start = (page - 1) * PAGE_SIZE
    rows = list(found.order_by("-delivery_date", "portfolio__code", "-version")[start : start + PAGE_SIZE + 1])
    return RunList(rows[:PAGE_SIZE], page, len(rows) > PAGE_SIZE)


def run_versions(run: SettlementRun) -> list[SettlementRun]:
    same = SettlementRun.objects.filter(portfolio=run.portfolio_id, delivery_date=run.delivery_date)
    return list(same.order_by("version"))


def awards_of_run(run: SettlementRun) -> list[Performance]:
    return list(
        Performance.objects.filter(run=run)
        .select_related("award__bid__product__market", "award__bid__ask")
        .defer("baseline_kw", "metered_kw", "committed_kw", "delivered_kw", "explanation")
        .order_by("award__bid__product__code", "pk")
    )


def award_page(performance: Performance) -> AwardPage:
    run = performance.run
    day = DeliveryDay(run.delivery_date, run.portfolio.time_zone, STEP_MINUTES)
    parts = list(
        DevicePerformance.objects.filter(run=run, award=performance.award_id)
        .select_related("device__site", "profile")
        .order_by("-credit", "device__code")
    )
    entries = performance.explanation.get("baselines", [])
    event = event_of(performance)
    groups = [group_of(entry, event) for entry in entries if entry.get("level") == "portfolio"]
    for group in groups:
        _add_readings(group, [part for part in parts if part.profile.name == group.rule], day, run)
    by_device = [entry for entry in entries if entry.get("level") == "device"]
    _name_owners(parts[:DEVICE_LIMIT], day, run)
    return AwardPage(performance, day, groups, by_device, parts[:DEVICE_LIMIT], len(parts))


def _name_owners(parts: list[DevicePerformance], day: DeliveryDay, run: SettlementRun) -> None:
    """Who was paid: the owners of the day, not those of today."""
    owners = owners_of({part.device.site_id for part in parts}, day.start, known_at=run.as_of)
    names = Participant.objects.in_bulk(set(owners.values()))
    for part in parts:
        part.device.site.owner = names[owners[part.device.site_id]]


def event_of(performance: Performance) -> slice:
    """The settled intervals: those that have a baseline."""
    known = [index for index, value in enumerate(performance.baseline_kw) if value is not None]
    return slice(known[0], known[-1] + 1) if known else slice(0, 0)


def group_of(entry: dict[str, Any], event: slice) -> BaselineGroup:
    mean_kw = np.array(entry["unadjusted_kwh"], dtype=np.float64) * (60.0 / STEP_MINUTES)
    adjustment = dict(entry["adjustment"])
    if adjustment["kind"] == "multiplicative":
        adjusted_kw = mean_kw * adjustment["applied"]
    else:
        adjusted_kw = mean_kw + (adjustment["applied"] or 0.0) * (60.0 / STEP_MINUTES)
    return BaselineGroup(
        rule=entry["rule"],
        devices=entry["devices"],
        status=entry["status"],
        adjustment=adjustment,
        selected=list(zip(entry["selected_days"], entry["weights"], strict=True)),
        excluded=entry["excluded"],
        event=event,
        mean_kw=mean_kw,
        adjusted_kw=adjusted_kw,
    )


def _add_readings(group: BaselineGroup, parts: list[DevicePerformance], day: DeliveryDay, run: SettlementRun) -> None:
    """Readings of the chosen days and of the delivery day, as the run knew them. Only where the group is exactly the
    provable devices of its rule; else the picture would not be that of the numbers."""
    proved = sorted(part.device_id for part in parts if part.status.startswith("ok"))
    if len(proved) != group.devices or not group.selected:
        return
    days = {text: DeliveryDay(date.fromisoformat(text), day.zone, STEP_MINUTES) for text, _ in group.selected}
    first, last = min(one.start for one in days.values()), max([day.end, *(one.end for one in days.values())])
    total_kw = interval_power_kw(proved, first, last, run.as_of, STEP_MINUTES).sum(axis=0)

    def of(one: DeliveryDay) -> FloatArray:
        begin = (one.start - first) // timedelta(minutes=STEP_MINUTES)
        return total_kw[begin : begin + one.n_intervals]

    group.chosen_kw = {text: of(one) for text, one in days.items()}
    group.actual_kw = of(day)


#: What the parts of a revenue are called where no terms name them.
COMPONENT_WORDS = (
    gettext_noop("availability"), gettext_noop("activated energy"), gettext_noop("performance adjustment"),
    gettext_noop("utilisation"), gettext_noop("day ahead"), gettext_noop("imbalance"), gettext_noop("deficiency"),
    gettext_noop("unproved"), gettext_noop("unpriced"), gettext_noop("incomplete"),
)  # fmt: skip


def components(performance: Performance) -> list[tuple[str, Decimal]]:
    """The amounts that add up to the revenue."""
    return [(name.replace("_", " "), Decimal(amount)) for name, amount in performance.components.items()]
