"""What the ways in are held against: binary COPY into the same keyed table, and a plain serializer with bulk_create."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from django.views.decorators.csrf import csrf_exempt

from telemetry.kernels.copy_format import Field, nullable_float8
from telemetry.storage.copying import copy_in


def make() -> None:
    """A table with the columns and the key of the readings, not partitioned."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE anchor (LIKE telemetry_reading INCLUDING ALL)")


def copy(device_id: np.ndarray, moment: datetime, power_kw: np.ndarray) -> None:
    """Binary COPY of ready arrays, committed."""
    time_us = np.full(device_id.size, round(moment.timestamp() * 1e6))
    copy_in(
        "anchor",
        {
            "ts": Field("timestamptz", time_us),
            "device_id": Field("int8", device_id),
            "available_at": Field("timestamptz", time_us),
            "power_kw": Field("float8", power_kw),
            "energy_kwh": nullable_float8(np.full(device_id.size, np.nan)),
            "soc_kwh": nullable_float8(np.full(device_id.size, np.nan)),
            "voltage_pu": nullable_float8(np.full(device_id.size, np.nan)),
            "quality": Field("int2", np.zeros(device_id.size, dtype=np.int64)),
        },
    )


@csrf_exempt
def view(request: Any) -> Any:
    """POST of JSON rows as a plain framework view does it: serializer, devices by code, bulk_create."""
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from telemetry.models import Reading
    from telemetry.serializers import ReadingRowSerializer
    from vpp.accounts.permissions import HasScope
    from vpp.enrollment.models import Device

    class Plain(APIView):
        def get_permissions(self) -> list:
            return [HasScope("telemetry:write")]

        def post(self, request: Any) -> Response:
            serializer = ReadingRowSerializer(data=request.data["readings"], many=True)
            serializer.is_valid(raise_exception=True)
            rows = serializer.validated_data
            devices = Device.objects.visible_to(request.user).in_bulk(
                [row["device"] for row in rows], field_name="code"
            )
            now = rows[0]["time"]
            Reading.objects.bulk_create(
                [
                    Reading(ts=row["time"], device=devices[row["device"]], available_at=now, power_kw=row["power_kw"])
                    for row in rows
                ]
            )
            return Response({"accepted": len(rows)})

    return Plain.as_view()(request)
