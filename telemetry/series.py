"""GET /api/v1/series: what devices drew and fed, as numbers or as a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from numpy.typing import NDArray
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import queries, serializers
from telemetry.kernels.batch import FloatColumn
from telemetry.kernels.resample import AGGREGATIONS, resample
from vpp.accounts.principals import principal_of
from vpp.enrollment.models import Device
from vpp.enrollment.ownership import theirs_since
from vpp.lib.errors import NotFound

TOTAL = "total"
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Table:
    """The answer: `values` (N, T) in the order of `names`; `filled` (N, T) True where a gap was filled, or None."""

    names: list[str]
    start: datetime
    step_minutes: int
    unit: str
    values: FloatColumn
    filled: NDArray[np.bool_] | None

    def times(self) -> list[datetime]:
        step = timedelta(minutes=self.step_minutes)
        return [self.start.astimezone(UTC) + place * step for place in range(self.values.shape[1])]


class Series(APIView):
    """Power or energy per interval of devices that the caller may see, as known at a moment; null where unknown."""

    @extend_schema(
        parameters=[
            OpenApiParameter("device", str, many=True, required=True, description="device code; may be repeated"),
            OpenApiParameter("start", datetime, required=True),
            OpenApiParameter("end", datetime, required=True, description="exclusive"),
            OpenApiParameter("step_minutes", int, enum=serializers.STEPS),
            OpenApiParameter(
                "aggregate", str, enum=AGGREGATIONS, description="of the quarter hours; energy: kWh of the step"
            ),
            OpenApiParameter("total", bool, description="one series, the sum of the devices"),
            OpenApiParameter("fill", bool, description="gaps filled for operations, told apart; never for settlement"),
            OpenApiParameter("download", str, enum=["csv", "parquet"], description="a file of one column a device"),
            OpenApiParameter("as_of", datetime, description="as known at this moment; default: as known now"),
        ],
        responses=serializers.SeriesAnswerSerializer,
    )
    def get(self, request: Request) -> Response | HttpResponse:
        names = request.query_params.getlist("device")
        query = serializers.SeriesQuerySerializer(data=request.query_params.dict() | {"device": names})
        query.is_valid(raise_exception=True)
        principal = principal_of(request)
        seen = Device.objects.visible_to(principal).filter(code__in=names)
        known = {code: (device_id, site_id) for code, device_id, site_id in seen.values_list("code", "id", "site_id")}
        if missing := [name for name in names if name not in known]:
            raise NotFound(f"there is no device {missing[0]!r}, or it is not yours")
        since = theirs_since(principal, (site_id for _, site_id in known.values()))
        asked = [known[name] for name in names]
        begins = [since.get(site_id) for _, site_id in asked]
        table = _table([device_id for device_id, _ in asked], begins, query.validated_data)
        if query.validated_data["download"] is None:
            return Response(_numbers(table))
        return _csv(table) if query.validated_data["download"] == "csv" else _parquet(table)


def _table(device_ids: list[int], begins: list[datetime | None], asked: dict[str, Any]) -> Table:
    """begins : per device since when it is the caller's, None for ever; before, nothing is known to them."""
    span, names = (asked["start"], asked["end"], asked["as_of"]), asked["device"]
    filled: NDArray[np.bool_] | None = None
    if asked["fill"]:
        power_kw, put_in = queries.filled_power_kw(device_ids, *span)
        _hide(put_in, False, begins, asked["start"])
        filled = np.asarray(put_in.reshape(len(device_ids), -1, asked["step_minutes"] // 15).any(axis=2))
    else:
        power_kw = queries.interval_power_kw(device_ids, *span)
    _hide(power_kw, np.nan, begins, asked["start"])
    values = resample(power_kw, asked["step_minutes"], asked["aggregate"])
    if asked["total"]:
        total_kw = power_kw.sum(axis=0, keepdims=True)
        names, values = [TOTAL], resample(total_kw, asked["step_minutes"], asked["aggregate"])
        filled = None if filled is None else np.asarray(filled.any(axis=0, keepdims=True))
    unit = "energy_kwh" if asked["aggregate"] == "energy" else "power_kw"
    return Table(names, asked["start"], asked["step_minutes"], unit, values, filled)


def _hide(values: NDArray[Any], nothing: float | bool, begins: list[datetime | None], start: datetime) -> None:
    """Puts `nothing` into the quarter hours (N, T) of each device before it was the caller's."""
    for row, begin in enumerate(begins):
        if begin is not None and begin > start:
            values[row, : math.ceil((begin - start) / QUARTER)] = nothing


def _numbers(table: Table) -> dict[str, Any]:
    series = []
    for place, name in enumerate(table.names):
        numbers = [None if value != value else value for value in table.values[place].tolist()]
        one: dict[str, Any] = {"device": name, table.unit: numbers}
        if table.filled is not None:
            one["filled"] = table.filled[place].tolist()
        series.append(one)
    return {"start": table.start, "step_minutes": table.step_minutes, "series": series}


def _csv(table: Table) -> HttpResponse:
    """`time,<device code>,...` as `import_readings` reads it; an empty cell where nothing is known."""
    lines = [",".join(["time", *table.names])]
    for moment, values in zip(table.times(), table.values.T.tolist(), strict=True):
        cells = ["" if value != value else repr(value) for value in values]
        lines.append(",".join([moment.strftime("%Y-%m-%dT%H:%M:%SZ"), *cells]))
    return _file("\n".join(lines) + "\n", "text/csv", "csv")


def _parquet(table: Table) -> HttpResponse:
    """The same columns; NULL where nothing is known."""
    import pyarrow as pa
    import pyarrow.parquet

    columns: dict[str, Any] = {"time": pa.array(table.times(), type=pa.timestamp("us", "UTC"))}
    for name, values in zip(table.names, table.values, strict=True):
        columns[name] = pa.array(values, mask=np.isnan(values))
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(columns), sink)
    return _file(sink.getvalue().to_pybytes(), "application/vnd.apache.parquet", "parquet")


def _file(content: str | bytes, content_type: str, suffix: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="series.{suffix}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)
