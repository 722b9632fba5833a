"""GET /api/v1/forecasts: a feeder's net load for the utility that runs it; POST /api/v1/weather-forecasts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from forecasting import operations, queries
from forecasting.serializers import (
    FeederForecastSerializer,
    ForecastQuerySerializer,
    WeatherForecastSerializer,
    WeatherStoredSerializer,
)
from vpp.accounts.permissions import HasScope
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


class WeatherForecasts(APIView):
    """Weather as it was expected at a moment; what is known already is left as it is."""

    permission_classes = [HasScope("telemetry:write")]  # type: ignore[list-item]

    @extend_schema(request=WeatherForecastSerializer, responses=WeatherStoredSerializer)
    def post(self, request: Request) -> Response:
        """Keep one issue of a zone's weather: equal steps of 15, 30 or 60 minutes, every variable of equal length."""
        if not principal_of(request).sees_all:
            raise PermissionDenied("weather is taken in by the aggregator's own people and programs")
        given = WeatherForecastSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        content: dict[str, Any] = given.validated_data
        stored = operations.store_weather(
            given.frame(), zone_code=content["zone"], issued_at=content["issued_at"], at=clock.now()
        )
        return Response({"stored": stored}, status=201 if stored else 200)
