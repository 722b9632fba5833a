"""Jobs of telemetry."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from telemetry import operations
from vpp.jobs.handlers import daily, job_handler


@job_handler("telemetry.close_days", queue="telemetry", time_limit_s=1800)
def close_days(*, at: datetime, before: str) -> dict[str, Any]:
    """Pack the days before a date. Safe to run twice: a packed day has no rows left to pack."""
    packed = operations.close_days(before=date.fromisoformat(before), at=at)
    return {day.isoformat(): readings for day, readings in packed.items()}


@job_handler("telemetry.refresh_rollup", queue="telemetry", time_limit_s=600)
def refresh_rollup(*, at: datetime, before: str) -> dict[str, Any]:
    """Roll up anew the buckets that got readings in parts. Safe to run twice: then none is left."""
    return {"buckets": operations.refresh_rollup(before=datetime.fromisoformat(before))}


@job_handler("telemetry.digest", queue="telemetry", time_limit_s=600)
def digest(*, at: datetime) -> dict[str, Any]:
    """Bring up latest values and rollup with what has arrived. Safe to run twice: then nothing is left."""
    return {"readings": operations.digest(at=at)}


@job_handler("telemetry.watch", queue="telemetry", time_limit_s=300)
def watch(*, at: datetime, day: str) -> dict[str, Any]:
    """Open and end alarms. Safe to run twice: an open alarm is opened once."""
    return {"open": operations.watch(at=at)}


@job_handler("telemetry.drop_old_partitions", queue="telemetry", time_limit_s=600)
def drop_old_partitions(*, at: datetime, day: str) -> dict[str, Any]:
    """Drop the empty raw partitions of days beyond the retention. Safe to run twice."""
    return {"dropped": [each.isoformat() for each in operations.drop_old_partitions(at=at)]}


for hour in range(24):
    daily(
        f"telemetry.watch.{hour:02d}",
        kind="telemetry.watch",
        local_time=time(hour, 10),
        time_zone="UTC",
        payload=lambda day: {"day": day},
    )
daily(
    "telemetry.drop_old_partitions",
    kind="telemetry.drop_old_partitions",
    local_time=time(5),
    time_zone="UTC",
    payload=lambda day: {"day": day},
)

# At three the night's stragglers have come; what comes later is packed with its day the next night.
daily(
    "telemetry.close_days",
    kind="telemetry.close_days",
    local_time=time(3),
    time_zone="UTC",
    payload=lambda day: {"before": day},
)
