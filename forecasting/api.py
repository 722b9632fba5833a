"""GET /api/v1/forecasts: a feeder's net load for the utility that runs it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from forecasting import queries
from forecasting.serializers import FeederForecastSerializer, ForecastQuerySerializer
from vpp.accounts.principals import principal_of
from vpp.lib import clock


class FeederForecast(APIView):
    """The newest forecast of one feeder and delivery day: total with quantiles, and the mean of each node."""

    @extend_schema(parameters=[ForecastQuerySerializer], responses=FeederForecastSerializer)
    def get(self, request: Request) -> Response:
        asked = ForecastQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted: dict[str, Any] = asked.validated_data
        run, rows = queries.feeder_forecast(
            principal_of(request), wanted["feeder"], wanted["date"], wanted.get("as_of") or clock.now()
        )
        return Response(FeederForecastSerializer({"run": run, "rows": rows}).data)
