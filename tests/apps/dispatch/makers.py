"""Rows that the dispatch tests start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from vpp.dispatch.models import Setpoint
from vpp.enrollment.models import Device, Portfolio

NOON = datetime(2016, 7, 14, 10, tzinfo=UTC)  # in Berlin


def make_setpoint(device: Device, portfolio: Portfolio, **fields: Any) -> Setpoint:
    defaults: dict[str, Any] = {
        "interval_start": NOON,
        "target_kw": -5.0,
        "baseline_kw": 0.0,
        "issued_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
    }
    return Setpoint.objects.create(device=device, portfolio=portfolio, **(defaults | fields))
