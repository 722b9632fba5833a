"""Which settled runs later knowledge may change: readings by the reference-day index, prices, inputs and owners by
their day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, Max, OuterRef
from django.db.models.functions import TruncDate

from bidding.models import Market, Price, Product
from telemetry.queries import changed_days
from vpp.enrollment.models import Handover
from vpp.lib.periods import DeliveryDay
from vpp.settlement.models import ComponentInput, DevicePerformance, Performance, ReferenceDay, SettlementRun

# A UTC day holds parts of at most two local dates of any zone, one of them the day before or after.
NEIGHBOURS = (timedelta(days=-1), timedelta(0), timedelta(days=1))


def changed_readings(since: datetime, until: datetime) -> dict[tuple[int, date], datetime]:
    """(device, UTC day) with a reading that became known in (since, until], and when the last one did."""
    return changed_days(since, until)


def affected_runs(changed: Mapping[tuple[int, date], datetime]) -> list[SettlementRun]:
    """The newest runs that a change may touch: they read that date of that device before it was known."""
    by_date: dict[date, set[int]] = defaultdict(set)
    for device_id, day in changed:
        for shift in NEIGHBOURS:
            by_date[day + shift].add(device_id)
    newest = SettlementRun.objects.newest().filter(reference_days__date__in=by_date)
    runs = {run.pk: run for run in newest.select_related("portfolio").distinct()}
    devices: dict[int, set[int]] = defaultdict(set)
    rows = DevicePerformance.objects.filter(run__in=runs).values_list("run_id", "device_id").distinct()
    for run_id, device_id in rows.iterator(chunk_size=5000):
        devices[run_id].add(device_id)
    touched = set()
    for run_id, day in ReferenceDay.objects.filter(run__in=runs, date__in=by_date).values_list("run_id", "date"):
        candidates = by_date[day] & devices[run_id]
        if run_id not in touched and _is_news(candidates, day, runs[run_id].as_of, changed):
            touched.add(run_id)
    return [runs[run_id] for run_id in sorted(touched, key=lambda pk: (runs[pk].delivery_date, pk))]


def _is_news(devices: set[int], day: date, as_of: datetime, changed: Mapping[tuple[int, date], datetime]) -> bool:
    """Whether a reading around that date became known after the run."""
    return any(
        (known_at := changed.get((device_id, day - shift))) is not None and known_at > as_of
        for device_id in devices
        for shift in NEIGHBOURS
    )


def repriced_runs(since: datetime, until: datetime) -> list[SettlementRun]:
    """The newest runs of days whose energy prices, or whose awards' component inputs, became known in (since, until]
    and after the run."""
    found: dict[int, SettlementRun] = {}
    newest = SettlementRun.objects.newest().select_related("portfolio")
    paid = newest.filter(pk__in=Performance.objects.values("run"))
    for market in Market.objects.filter(products__kind=Product.Kind.ENERGY).distinct():
        days = _newly_priced(market, since, until)
        for run in paid.filter(portfolio__zone_code=market.zone_code, delivery_date__in=list(days)):
            if days[run.delivery_date] > run.as_of:
                found[run.pk] = run
    inputs = ComponentInput.objects.filter(
        received_at__gt=since, received_at__lte=until, award__performances__run=OuterRef("pk")
    )
    found |= {run.pk: run for run in paid.filter(Exists(inputs.filter(received_at__gt=OuterRef("as_of"))))}
    return sorted(found.values(), key=lambda run: (run.delivery_date, run.pk))


def _newly_priced(market: Market, since: datetime, until: datetime) -> dict[date, datetime]:
    """By delivery day, when the last energy price of it became known."""
    rows = Price.objects.filter(
        product__market=market, product__kind=Product.Kind.ENERGY, available_at__gt=since, available_at__lte=until
    )
    by_day = rows.annotate(day=TruncDate("interval_start", tzinfo=ZoneInfo(market.time_zone))).values_list("day")
    return dict(by_day.annotate(known_at=Max("available_at")).order_by())


def rehanded_runs(since: datetime, until: datetime) -> list[SettlementRun]:
    """The newest runs with a device of a site of which became known in (since, until], and after the run, that it had
    changed hands before the run's day began."""
    found: dict[int, SettlementRun] = {}
    newest = SettlementRun.objects.newest().select_related("portfolio")
    for told in Handover.objects.filter(recorded_at__gt=since, recorded_at__lte=until):
        parts = DevicePerformance.objects.filter(run=OuterRef("pk"), device__site=told.site_id)
        first = told.since.date() - timedelta(days=1)  # in UTC: the local day may be the one before
        for run in newest.filter(Exists(parts), delivery_date__gte=first, as_of__lt=told.recorded_at):
            if DeliveryDay(run.delivery_date, run.portfolio.time_zone).start >= told.since:
                found[run.pk] = run
    return sorted(found.values(), key=lambda run: (run.delivery_date, run.pk))


def first_settlement() -> datetime:
    """The oldest knowledge that any run stands on; changes before it are in every run."""
    oldest = SettlementRun.objects.order_by("as_of").values_list("as_of", flat=True).first()
    return oldest or datetime.combine(date.max, time(), tzinfo=UTC)
