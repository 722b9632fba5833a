"""Forecasts in the admin: read-only, found by key, without counts over the big table."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from forecasting.models import (
    Accuracy,
    DispatchedPeriod,
    DriftAlarm,
    Envelope,
    Estimator,
    Forecast,
    ForecastRun,
    PriceForecast,
    ScenarioSet,
    WeatherForecast,
)
from vpp.accounts.admin import ReadOnlyAdmin
from vpp.accounts.admin_trail import Audited


@admin.register(ForecastRun)
class ForecastRunAdmin(ReadOnlyAdmin):
    list_display = ("natural_key", "delivery_date", "issue_time", "state", "duration_s")
    list_filter = ("state", "zone_code", "delivery_date")
    search_fields = ("natural_key", "feeder_code", "portfolio__code")


@admin.register(Forecast)
class ForecastAdmin(ReadOnlyAdmin):
    list_display = ("id", "run", "scope", "device", "node_code", "rung", "peak_kw")
    list_filter = ("scope", "rung")
    list_select_related = ("run", "device")
    search_fields = ("run__natural_key", "device__code", "node_code")

    @admin.display(description="largest mean power, kW")
    def peak_kw(self, row: Forecast) -> str:
        return f"{max(row.mean_kw, key=abs, default=0.0):.1f}"


@admin.register(Envelope)
class EnvelopeAdmin(ReadOnlyAdmin):
    list_display = ("id", "run", "portfolio", "group", "confidence")
    list_filter = ("group", "confidence")
    list_select_related = ("run", "portfolio")
    search_fields = ("run__natural_key", "portfolio__code")


@admin.register(ScenarioSet)
class ScenarioSetAdmin(ReadOnlyAdmin):
    list_display = ("id", "run", "portfolio", "size")
    list_select_related = ("run", "portfolio")
    search_fields = ("run__natural_key", "portfolio__code")


@admin.register(PriceForecast)
class PriceForecastAdmin(ReadOnlyAdmin):
    list_display = ("zone_code", "delivery_date", "version", "issue_time", "size")
    list_filter = ("zone_code", "delivery_date")


@admin.register(WeatherForecast)
class WeatherForecastAdmin(ReadOnlyAdmin):
    list_display = ("zone_code", "variable", "issued_at", "start", "available_at")
    list_filter = ("zone_code", "variable")


@admin.register(Accuracy)
class AccuracyAdmin(ReadOnlyAdmin):
    list_display = ("delivery_date", "scope", "class_name", "device", "portfolio", "feeder_code", "mae_kw", "coverage")
    list_filter = ("scope", "class_name", "delivery_date")
    list_select_related = ("device", "portfolio")
    search_fields = ("device__code", "portfolio__code", "feeder_code")


@admin.register(DriftAlarm)
class DriftAlarmAdmin(ReadOnlyAdmin):
    list_display = ("class_name", "zone_code", "begin_date", "end_date", "coverage")
    list_filter = ("class_name",)


@admin.register(DispatchedPeriod)
class DispatchedPeriodAdmin(ReadOnlyAdmin):
    list_display = ("device", "period", "source", "available_at")
    list_select_related = ("device",)
    search_fields = ("device__code", "source")


@admin.register(Estimator)
class EstimatorAdmin(Audited, admin.ModelAdmin):
    """Setting the moment of withdrawal rolls a series back to its parameters of before."""

    list_display = ("series_key", "version", "kind", "fitted_at", "withdrawn_at")
    search_fields = ("series_key",)
    readonly_fields = ("series_key", "version", "kind", "parameters", "data_until", "fitted_at")
    exclude = ("numbers",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
