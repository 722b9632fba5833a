"""Which settled runs a later reading may change: the reference-day index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from telemetry.queries import changed_days
from vpp.settlement.models import DevicePerformance, ReferenceDay, SettlementRun

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


def first_settlement() -> datetime:
    """The oldest knowledge that any run stands on; changes before it are in every run."""
    oldest = SettlementRun.objects.order_by("as_of").values_list("as_of", flat=True).first()
    return oldest or datetime.combine(date.max, time(), tzinfo=UTC)
