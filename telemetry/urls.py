from django.urls import URLPattern, path

from telemetry import api

urlpatterns: list[URLPattern] = [
    path("telemetry/readings", api.Readings.as_view(), name="telemetry-readings"),
    path("telemetry/series", api.Series.as_view(), name="telemetry-series"),
    path("series", api.Series.as_view(), name="series"),
]
