"""What was settled: runs, performances, the ledger."""

from django.contrib import admin

from vpp.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from vpp.settlement.models import (
    ComponentInput,
    DevicePerformance,
    Journal,
    JournalLine,
    LedgerAccount,
    Payout,
    Performance,
    ReferenceDay,
    SettlementRun,
)


@admin.register(SettlementRun)
class SettlementRunAdmin(ReadOnlyAdmin):
    list_display = ["portfolio", "delivery_date", "version", "state", "revenue", "penalty", "payouts", "fees", "margin"]
    list_filter = ["state"]
    search_fields = ["portfolio__code"]
    date_hierarchy = "delivery_date"
    list_select_related = ["portfolio"]


@admin.register(Performance)
class PerformanceAdmin(ReadOnlyAdmin):
    list_display = ["award", "run", "product_kind", "committed_kwh", "delivered_kwh", "share", "revenue", "penalty"]
    list_filter = ["product_kind"]
    search_fields = ["award__source_reference", "run__portfolio__code"]
    list_select_related = ["award", "run"]


@admin.register(DevicePerformance)
class DevicePerformanceAdmin(ReadOnlyAdmin):
    list_display = ["device", "run", "award", "profile", "status", "delivered_kwh", "credit"]
    list_filter = ["status"]
    search_fields = ["device__code"]
    list_select_related = ["device", "run", "award", "profile"]


@admin.register(ReferenceDay)
class ReferenceDayAdmin(ReadOnlyAdmin):
    list_display = ["date", "run"]
    search_fields = ["run__portfolio__code"]
    date_hierarchy = "date"
    list_select_related = ["run"]


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    list_display = ["code", "kind", "participant"]
    list_filter = ["kind"]
    search_fields = ["code", "participant__code"]
    list_select_related = ["participant"]


class JournalLineInline(ReadOnlyInline):
    model = JournalLine
    fields = ("number", "account", "amount", "currency")
    readonly_fields = fields


@admin.register(Journal)
class JournalAdmin(ReadOnlyAdmin):
    list_display = ["natural_key", "booked_at", "description", "line_count"]
    search_fields = ["natural_key", "description"]
    date_hierarchy = "booked_at"
    inlines = [JournalLineInline]


@admin.register(JournalLine)
class JournalLineAdmin(ReadOnlyAdmin):
    list_display = ["journal", "number", "account", "amount", "currency"]
    list_filter = ["account__kind"]
    search_fields = ["journal__natural_key", "account__code"]
    list_select_related = ["journal", "account"]


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = ["owner", "run", "gross", "fee", "total", "amount", "currency"]
    search_fields = ["owner__code", "run__portfolio__code"]
    list_select_related = ["owner", "run"]


@admin.register(ComponentInput)
class ComponentInputAdmin(ReadOnlyAdmin):
    list_display = ["award", "component", "received_at"]
    list_filter = ["component"]
    search_fields = ["award__source_reference"]
    list_select_related = ["award"]
