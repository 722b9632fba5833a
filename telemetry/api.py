"""POST /api/v1/telemetry/readings and GET /api/v1/telemetry/series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import queries, serializers
from telemetry.receive import receive
from vpp.accounts.principals import principal_of
from vpp.enrollment.models import Device
from vpp.lib.errors import NotFound


class Readings(APIView):
    """Readings of a gateway's devices.

    JSON rows as below; the same as columns, `{"columns": {"device": [...], "time": [...], "power_kw": [...]}}`; or
    application/msgpack with packed columns (telemetry/protocols/msgpack_columns.py). gzip is understood. At most 10,000
    readings a request. Each refused row is named with a stable reason, the others are kept. An answer means stored.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Past the framework, whose wrapping of request, parsers and negotiation would cost as much as the storing."""
        return receive(request)

    @extend_schema(request=serializers.ReadingsSerializer, responses=serializers.IngestAnswerSerializer)
    def post(self, request: Request) -> Response:
        """For the API's description; `dispatch` answers."""
        raise MethodNotAllowed("POST")


class Series(APIView):
    """Mean power per interval of devices that the caller may see, as known at a moment; null where nothing was read."""

    @extend_schema(
        parameters=[
            OpenApiParameter("device", str, many=True, required=True, description="device code; may be repeated"),
            OpenApiParameter("start", datetime, required=True),
            OpenApiParameter("end", datetime, required=True, description="exclusive"),
            OpenApiParameter("step_minutes", int, enum=[15, 30, 60]),
            OpenApiParameter("download", str, enum=["csv"], description="a file of one column a device, in kW"),
            OpenApiParameter("as_of", datetime, description="as known at this moment; default: as known now"),
        ],
        responses=serializers.SeriesAnswerSerializer,
    )
    def get(self, request: Request) -> Response | HttpResponse:
        names = request.query_params.getlist("device")
        query = serializers.SeriesQuerySerializer(data=request.query_params.dict() | {"device": names})
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        known = dict(Device.objects.visible_to(principal_of(request)).filter(code__in=names).values_list("code", "id"))
        if missing := [name for name in names if name not in known]:
            raise NotFound(f"there is no device {missing[0]!r}, or it is not yours")
        power_kw = queries.interval_power_kw(
            [known[name] for name in names], asked["start"], asked["end"], asked["as_of"], asked["step_minutes"]
        )
        if asked["download"] == "csv":
            return _csv(names, asked["start"], asked["step_minutes"], power_kw)
        series = [{"device": name, "power_kw": _numbers(row)} for name, row in zip(names, power_kw, strict=True)]
        return Response({"start": asked["start"], "step_minutes": asked["step_minutes"], "series": series})


def _csv(names: list[str], start: datetime, step_minutes: int, power_kw: np.ndarray) -> HttpResponse:
    """`time,<device code>,...` as `import_readings` reads it; an empty cell where nothing was read."""
    lines = [",".join(["time", *names])]
    for place, values in enumerate(power_kw.T.tolist()):
        moment = (start + timedelta(minutes=place * step_minutes)).astimezone(UTC)
        cells = ["" if value != value else repr(value) for value in values]
        lines.append(",".join([moment.strftime("%Y-%m-%dT%H:%M:%SZ"), *cells]))
    headers = {"Content-Disposition": 'attachment; filename="series.csv"'}
    return HttpResponse("\n".join(lines) + "\n", content_type="text/csv", headers=headers)


def _numbers(row: np.ndarray) -> list[float | None]:
    return [None if value != value else value for value in row.tolist()]
