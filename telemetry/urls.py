from django.urls import URLPattern, path

from telemetry import api, live, series

urlpatterns: list[URLPattern] = [
    path("telemetry/readings", api.Readings.as_view(), name="telemetry-readings"),
    path("telemetry/series", series.Series.as_view(), name="telemetry-series"),
    path("telemetry/live", live.Live.as_view(), name="telemetry-live"),
    path("series", series.Series.as_view(), name="series"),
]
