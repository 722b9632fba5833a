"""Jobs of enrollment: changes of many devices at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from vpp.enrollment.bulk_changes import KIND
from vpp.enrollment.bulk_changes import change_devices as run
from vpp.jobs.handlers import job_handler


@job_handler(KIND, queue="enrollment", time_limit_s=1800, max_attempts=5)
def change_devices(
    *, at: datetime, key: str, change: str, device_ids: list[int], actor: str, reason: str
) -> dict[str, Any]:
    """Suspend or resume devices; goes on where an earlier try stopped."""
    return run(at=at, key=key, change=change, device_ids=device_ids, actor=actor, reason=reason)
