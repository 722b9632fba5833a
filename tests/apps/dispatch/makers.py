"""Rows that the dispatch tests start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from vpp.dispatch.models import ControlCycle, Setpoint
from vpp.enrollment.models import Device, Portfolio

POWERS = ("committed_up_kw", "placed_up_kw", "residual_up_kw")
NOON = datetime(2016, 7, 14, 10, tzinfo=UTC)  # in Berlin


@transaction.atomic
def make_setpoint(device: Device, portfolio: Portfolio, **fields: Any) -> Setpoint:
    defaults: dict[str, Any] = {
        "interval_start": NOON,
        "target_kw": -5.0,
        "baseline_kw": 0.0,
        "issued_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
    }
    asked = defaults | fields
    cycle, _ = ControlCycle.objects.get_or_create(
        portfolio=portfolio, interval_start=asked["interval_start"], revision=asked.get("sequence", 0),
        defaults={"at": asked["issued_at"], "written": 1, "unavailable": 0} | dict.fromkeys(POWERS, 0.0),
    )  # fmt: skip
    return Setpoint.objects.create(device=device, portfolio=portfolio, cycle=cycle, **asked)
