"""GET /api/v1/telemetry/live: what has changed since one last looked, for pages that show it as it happens.

A poll and not server-sent events: the web process is WSGI, where every open stream holds one of a few threads for as
long as the page is open, and a dozen operators would lock out the gateways. A poll that finds nothing new costs one
query and 60 bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import queries, serializers
from telemetry.queries import LatestReadings
from vpp.accounts.models import Principal
from vpp.accounts.principals import principal_of
from vpp.enrollment.models import Device
from vpp.lib import clock

MOST_DEVICES = 10_000
POLL_AFTER_S = 5


class Live(APIView):
    """The newest reading of each device of a site, a portfolio or a list, those alone that came after `after`."""

    @extend_schema(
        parameters=[
            OpenApiParameter("device", str, many=True, description="device code; may be repeated"),
            OpenApiParameter("site", str),
            OpenApiParameter("portfolio", str),
            OpenApiParameter("after", int, description="`cursor` of the answer before; default: all"),
        ],
        responses=serializers.LiveAnswerSerializer,
    )
    def get(self, request: Request) -> Response:
        names = request.query_params.getlist("device")
        query = serializers.LiveQuerySerializer(data=request.query_params.dict() | {"device": names})
        query.is_valid(raise_exception=True)
        at, after = clock.now(), query.validated_data["after"]
        principal = principal_of(request)
        codes = dict(_devices(principal, query.validated_data, at).values_list("id", "code")[:MOST_DEVICES])
        found = queries.latest(list(codes))
        known_us = found.available_at.astype(np.int64)
        new = np.flatnonzero(~np.isnat(found.available_at) & (known_us > after))
        return Response(
            {
                "at": at,
                "cursor": max([after, *known_us[new].tolist()]),
                "poll_after_s": POLL_AFTER_S,
                "open_alarms": len(queries.open_alarms(principal)),
                "readings": [_reading(codes[int(found.device_id[place])], found, place) for place in new.tolist()],
            }
        )


def _devices(principal: Principal, asked: dict[str, Any], at: datetime) -> QuerySet[Device]:
    devices = Device.objects.visible_to(principal).order_by("id")
    if asked["device"]:
        devices = devices.filter(code__in=asked["device"])
    if asked["site"]:
        devices = devices.filter(site__code=asked["site"])
    if asked["portfolio"]:
        devices = devices.filter(enrollments__portfolio__code=asked["portfolio"], enrollments__period__contains=at)
    return devices


def _reading(code: str, found: LatestReadings, place: int) -> dict[str, Any]:
    values = {name: float(getattr(found, name)[place]) for name in ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu")}
    numbers = {name: None if value != value else value for name, value in values.items()}
    return {
        "device": code,
        "time": f"{np.datetime_as_string(found.ts[place], unit='s')}Z",
        **numbers,
        "quality": int(found.quality[place]),
    }
