"""Readings for support: read-only, found by device, a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from telemetry.kernels.quality import Quality
from telemetry.models import Alarm, Latest, MeteredDevice, Reading, ReadingCorrection, ReadingDay, Rollup15, Sender
from vpp.accounts.admin import ReadOnlyAdmin

SHOWN_ROWS = 96
SHOWN_DAYS = timedelta(days=7)


@admin.register(Latest)
class LatestAdmin(ReadOnlyAdmin):
    list_display = ["device", "ts", "power_kw", "soc_kwh", "flags", "available_at"]
    list_filter = ["device__kind"]
    search_fields = ["device__code", "device__site__code"]
    list_select_related = ["device"]

    @admin.display(description="quality")
    def flags(self, latest: Latest) -> str:
        return flag_names(latest.quality)


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = ["kind", "subject", "begin_at", "end_at"]
    list_filter = ["kind", ("end_at", admin.EmptyFieldListFilter)]
    search_fields = ["device__code", "site__code", "sender__name"]
    list_select_related = ["device", "site", "sender"]
    ordering = ("-begin_at",)

    @admin.display(description="device, site or sender")
    def subject(self, alarm: Alarm) -> str:
        return str(alarm.device or alarm.site or alarm.sender)


@admin.register(Sender)
class SenderAdmin(ReadOnlyAdmin):
    list_display = ["name", "heard_at", "skewed_at", "unagreed_at"]
    search_fields = ["name"]
    ordering = ("name",)


@admin.register(MeteredDevice)
class MeteredDeviceAdmin(ReadOnlyAdmin):
    list_display = ["code", "site", "kind"]
    list_filter = ["kind"]
    search_fields = ["code", "site__code"]
    list_select_related = ["site"]
    fields = ("code", "site", "kind", "readings", "corrections", "quarter_hours", "packed_days")
    readonly_fields = ("code", "site", "kind", "readings", "corrections", "quarter_hours", "packed_days")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MeteredDevice]:
        return super().get_queryset(request).select_related("site").order_by("code")

    @admin.display(description="readings of open days, newest first")
    def readings(self, device: MeteredDevice) -> SafeString:
        latest = Latest.objects.filter(device=device).first()
        if latest is None:
            return format_html("none")
        recent = Reading.objects.filter(device=device, ts__gte=latest.ts - SHOWN_DAYS).order_by("-ts")
        return table(
            recent[:SHOWN_ROWS], ["ts", "power_kw", "energy_kwh", "soc_kwh", "voltage_pu", "quality", "available_at"]
        )

    @admin.display(description="corrections, newest first")
    def corrections(self, device: MeteredDevice) -> SafeString:
        newest = ReadingCorrection.objects.filter(device=device).order_by("-ts", "-available_at")
        return table(newest[:SHOWN_ROWS], ["ts", "power_kw", "energy_kwh", "soc_kwh", "quality", "available_at"])

    @admin.display(description="quarter hours of open days")
    def quarter_hours(self, device: MeteredDevice) -> SafeString:
        latest = Latest.objects.filter(device=device).first()
        if latest is None:
            return format_html("none")
        recent = Rollup15.objects.filter(device=device, bucket__gte=latest.ts - SHOWN_DAYS).order_by("-bucket")
        names = ["bucket", "energy_kwh", "min_kw", "max_kw", "count", "quality", "available_at"]
        return table(recent[:SHOWN_ROWS], names)

    @admin.display(description="packed days")
    def packed_days(self, device: MeteredDevice) -> SafeString:
        days = ReadingDay.objects.filter(device=device).order_by("-day")
        return table(days[:SHOWN_ROWS], ["day", "count", "checksum", "first_available_at", "available_at"])


def flag_names(quality: int) -> str:
    return ", ".join(str(flag.name).lower().replace("_", " ") for flag in Quality(quality)) or "good"


def table(rows: Iterable[Model], names: list[str]) -> SafeString:
    """Rows as an HTML table, one column a field."""
    head = format_html_join("", "<th>{}</th>", ((name,) for name in names))
    body = format_html_join("", "<tr>{}</tr>", ((_cells(row, names),) for row in rows))
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def _cells(row: Model, names: list[str]) -> SafeString:
    values: list[Any] = [getattr(row, name) for name in names]
    shown = [flag_names(value) if name == "quality" else value for name, value in zip(names, values, strict=True)]
    return format_html_join("", "<td>{}</td>", (("" if value is None else value,) for value in shown))
