"""Many device forecasts of one run, straight from their arrays into the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from forecasting.models import Forecast, ForecastRun

if TYPE_CHECKING:
    import psycopg

COLUMNS = {
    "run_id": "int8", "scope": "varchar", "device_id": "int8", "portfolio_id": "int8", "feeder_code": "varchar",
    "node_code": "varchar", "rung": "varchar", "mean_kw": "bytea", "challenger_kw": "bytea", "levels": "float8[]",
    "quantiles_kw": "bytea", "member_ids": "int8[]", "available_at": "timestamptz",
}  # fmt: skip


def copy_device_forecasts(
    run: ForecastRun,
    portfolio_id: int,
    device_ids: NDArray[np.int64],
    rungs: NDArray[np.str_],
    *,
    mean_kw: NDArray[np.floating],
    quantiles_kw: NDArray[np.floating],
    levels: list[float],
    challenger_kw: NDArray[np.floating],
) -> None:
    """Rows of n devices by COPY: mean_kw (n, H), quantiles_kw (n, H, Q), challenger_kw (n, H), kept where a gradient
    model served. Part of the caller's transaction. Raises ValueError for a number that is none."""
    mean, quantiles, challenger = (_packed(one) for one in (mean_kw, quantiles_kw, challenger_kw))
    command = f"COPY {Forecast._meta.db_table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"
    # the driver's own cursor: Django's has no COPY
    with connection.cursor() as cursor, cast("psycopg.Cursor", cursor.cursor).copy(command) as copy:
        copy.set_types(list(COLUMNS.values()))
        for row, device_id in enumerate(device_ids.tolist()):
            copy.write_row(
                (
                    run.pk, Forecast.Scope.DEVICE.value, device_id, portfolio_id, "", "", str(rungs[row]),
                    mean[row].tobytes(), challenger[row].tobytes() if rungs[row] == "gradient" else None, levels,
                    quantiles[row].tobytes(), [], run.issue_time,
                )
            )  # fmt: skip


def _packed(values: NDArray[np.floating]) -> NDArray[np.float32]:
    packed = np.ascontiguousarray(values, dtype="<f4")
    if not np.isfinite(packed).all():
        raise ValueError("a forecast is a number: NaN or infinite value")
    return packed.reshape(len(packed), -1)
