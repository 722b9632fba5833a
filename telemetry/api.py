"""POST /api/v1/telemetry/readings; the ways out are in `series` and `live`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from telemetry import serializers
from telemetry.receive import receive


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
