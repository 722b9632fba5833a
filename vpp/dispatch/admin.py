"""Dispatch in the admin: to look, not to change; what is written here is written by the control loop."""

from __future__ import annotations

from django.contrib import admin

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.dispatch.models import (
    Alarm,
    ChargingStation,
    ChargingTransaction,
    ControlCycle,
    DeviceStatus,
    DeviceUse,
    DispatchPriority,
    GridEmergency,
    Link,
    Plan,
    PlanDevice,
    Setpoint,
    Shortfall,
)


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    list_display = ["portfolio", "delivery_date", "version", "state", "created_at"]
    list_filter = ["state", "portfolio"]
    search_fields = ["portfolio__code"]
    list_select_related = ["portfolio"]
    date_hierarchy = "delivery_date"


@admin.register(PlanDevice)
class PlanDeviceAdmin(ReadOnlyAdmin):
    list_display = ["device", "plan"]
    search_fields = ["device__code"]
    list_select_related = ["device", "plan"]


@admin.register(ControlCycle)
class ControlCycleAdmin(ReadOnlyAdmin):
    list_display = [
        "portfolio", "interval_start", "revision", "committed_up_kw", "placed_up_kw", "residual_up_kw", "written",
        "unavailable",
    ]  # fmt: skip
    list_filter = ["portfolio"]
    search_fields = ["portfolio__code"]
    list_select_related = ["portfolio"]


@admin.register(Setpoint)
class SetpointAdmin(ReadOnlyAdmin):
    list_display = [
        "device", "interval_start", "sequence", "target_kw", "target_kvar", "measured_kw", "applied_kvar", "state",
        "reason",
    ]  # fmt: skip
    list_filter = ["state", "released"]
    search_fields = ["device__code"]
    list_select_related = ["device"]


@admin.register(DispatchPriority)
class DispatchPriorityAdmin(ReadOnlyAdmin):
    list_display = ["valid_from", "order"]


@admin.register(GridEmergency)
class GridEmergencyAdmin(ReadOnlyAdmin):
    list_display = ["portfolio", "period", "up_kw", "ordered_by", "reason", "created_at"]
    list_filter = ["portfolio"]
    list_select_related = ["portfolio"]


@admin.register(DeviceStatus)
class DeviceStatusAdmin(ReadOnlyAdmin):
    list_display = ["device", "state", "since", "retry_at", "failures"]
    list_filter = ["state"]
    search_fields = ["device__code"]
    list_select_related = ["device"]


@admin.register(DeviceUse)
class DeviceUseAdmin(ReadOnlyAdmin):
    list_display = ["device", "delivery_date", "moved_kwh", "hours", "events", "last_interval"]
    search_fields = ["device__code"]
    list_select_related = ["device"]


@admin.register(Shortfall)
class ShortfallAdmin(ReadOnlyAdmin):
    list_display = ["portfolio", "interval_start", "device", "limit", "shortfall_kw", "shortfall_kvar", "reason"]
    list_filter = ["limit", "portfolio"]
    search_fields = ["portfolio__code", "device__code"]
    list_select_related = ["portfolio", "device"]


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = ["portfolio", "interval_start", "kind", "short_kw", "raised_at", "acknowledged_by"]
    list_filter = ["kind", "portfolio"]
    list_select_related = ["portfolio"]


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    list_display = ["device", "protocol", "address"]
    list_filter = ["protocol"]
    search_fields = ["device__code", "address"]
    list_select_related = ["device"]


@admin.register(ChargingStation)
class ChargingStationAdmin(ReadOnlyAdmin):
    list_display = ["code", "protocol", "vendor", "model", "firmware", "booted_at", "heard_at"]
    list_filter = ["protocol"]
    search_fields = ["code", "vendor", "model"]
    exclude = ["secret_hash"]


@admin.register(ChargingTransaction)
class ChargingTransactionAdmin(ReadOnlyAdmin):
    list_display = ["station", "evse", "reference", "started_at", "ended_at", "meter_start_kwh", "meter_stop_kwh"]
    search_fields = ["station__code", "reference", "id_token"]
    list_select_related = ["station"]
