from django.contrib import admin
from django.http import HttpRequest

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.settlement.models import (
    BankAccount,
    BaselineProfile,
    ComponentRule,
    DeviceMethod,
    DevicePerformance,
    Dispute,
    Holiday,
    Journal,
    JournalLine,
    LedgerAccount,
    LedgerPeriod,
    Payment,
    PaymentFile,
    PaymentRule,
    Payout,
    Performance,
    ReferenceDay,
    ResettlementStep,
    ReviewFinding,
    SettlementRun,
    Statement,
    UtilityStatement,
)


class DatedAdmin(admin.ModelAdmin):
    """Dated rules: a change is a new row beside the old one, which settled runs still name."""

    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(BaselineProfile)
class BaselineProfileAdmin(DatedAdmin):
    list_display = ["name", "version", "valid_from", "method", "source"]
    list_filter = ["method"]
    search_fields = ["name"]


@admin.register(DeviceMethod)
class DeviceMethodAdmin(DatedAdmin):
    list_display = ["kind", "valid_from", "profile_name"]
    list_filter = ["kind"]
    search_fields = ["profile_name"]
    show_full_result_count = False


@admin.register(Holiday)
class HolidayAdmin(admin.ModelAdmin):
    list_display = ["zone_code", "date", "name"]
    list_filter = ["zone_code"]
    search_fields = ["name"]
    date_hierarchy = "date"
    show_full_result_count = False


@admin.register(PaymentRule)
class PaymentRuleAdmin(DatedAdmin):
    list_display = ["product_kind", "valid_from", "imbalance_spread_pu", "penalty_pu"]
    list_filter = ["product_kind"]
    show_full_result_count = False


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


class JournalLineInline(admin.TabularInline):
    model = JournalLine
    extra = 0
    can_delete = False
    fields = ("number", "account", "amount", "currency")
    readonly_fields = ("number", "account", "amount", "currency")

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


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


@admin.register(ComponentRule)
class ComponentRuleAdmin(DatedAdmin):
    list_display = ["kind", "version", "valid_from", "source"]
    search_fields = ["kind", "source"]


@admin.register(ResettlementStep)
class ResettlementStepAdmin(DatedAdmin):
    list_display = ["market_code", "name", "offset", "unit", "disputable", "valid_from"]
    list_filter = ["market_code"]
    search_fields = ["market_code", "name"]


@admin.register(LedgerPeriod)
class LedgerPeriodAdmin(ReadOnlyAdmin):
    list_display = ["first_date", "last_date", "closed_at"]
    search_fields = ["first_date"]


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    list_display = ["number", "version", "state", "owner", "first_date", "last_date", "total", "difference", "currency"]
    list_filter = ["state"]
    search_fields = ["number", "owner__code"]
    list_select_related = ["owner"]


@admin.register(BankAccount)
class BankAccountAdmin(admin.ModelAdmin):
    list_display = ["owner", "holder", "bic"]
    search_fields = ["owner__code", "holder"]
    autocomplete_fields = ["owner"]
    show_full_result_count = False


@admin.register(PaymentFile)
class PaymentFileAdmin(ReadOnlyAdmin):
    list_display = ["message_id", "created_at", "execution_date", "count", "total", "currency"]
    search_fields = ["message_id"]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ["file", "statement", "amount"]
    search_fields = ["file__message_id", "statement__number"]
    list_select_related = ["file", "statement"]


@admin.register(UtilityStatement)
class UtilityStatementAdmin(ReadOnlyAdmin):
    list_display = ["reference", "utility", "form", "received_at", "currency"]
    list_filter = ["form"]
    search_fields = ["reference", "utility__code"]
    list_select_related = ["utility"]


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ["pk", "utility", "ask", "state", "opened_at"]
    list_filter = ["state"]
    search_fields = ["ask__reference", "utility__code"]
    list_select_related = ["utility", "ask"]


@admin.register(ReviewFinding)
class ReviewFindingAdmin(ReadOnlyAdmin):
    list_display = ["kind", "owner", "device", "delivery_date", "state", "found_at"]
    list_filter = ["state", "kind"]
    search_fields = ["owner__code", "device__code"]
    list_select_related = ["owner", "device"]
