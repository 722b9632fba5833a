"""After the day: judge its last interval and mark the periods in which devices followed the plant."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from forecasting.models import DispatchedPeriod
from vpp.dispatch.operations.judging import STEP, mark_followed
from vpp.dispatch.queries import setpoint_matrix
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay


def close_day(portfolio_id: int, delivery_date: date, at: datetime) -> dict[str, Any]:
    """Tell forecasting which periods to leave out of its training; safe to repeat."""
    portfolio = Portfolio.objects.get(pk=portfolio_id)
    day = DeliveryDay(delivery_date, portfolio.time_zone)
    verdicts = mark_followed(portfolio_id, day.end - STEP, at)
    matrix = setpoint_matrix(portfolio_id, day)
    asked = np.zeros((matrix.device_id.size, day.n_intervals + 2), dtype=np.int8)
    asked[:, 1:-1] = ~np.isnan(matrix.target_kw)
    edges = np.diff(asked, axis=1)
    rows, first = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    source = f"dispatch:{portfolio.code}:{delivery_date}"
    DispatchedPeriod.objects.bulk_create(
        (
            DispatchedPeriod(
                device_id=int(matrix.device_id[row]),
                period=DateTimeTZRange(day.start + STEP * int(start), day.start + STEP * int(stop)),
                source=source,
                available_at=at,
            )
            for row, start, stop in zip(rows, first, end, strict=True)
        ),
        ignore_conflicts=True,
        batch_size=2000,
    )
    return {"verdicts": verdicts, "periods": int(rows.size)}
