"""Rules, runs and the ledger."""

from django.contrib import admin
from django.http import HttpRequest

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.settlement.models import (
    BaselineProfile,
    Certification,
    CertificationFit,
    ComponentInput,
    ComponentRule,
    DeviceMethod,
    DevicePerformance,
    Holiday,
    Journal,
    JournalLine,
    LedgerAccount,
    PaymentRule,
    Payout,
    Performance,
    ProductTerms,
    ReferenceDay,
    ResettlementStep,
    SettlementRun,
    SiteMethod,
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


class CertificationFitInline(admin.TabularInline):
    model = CertificationFit
    extra = 0
    can_delete = False
    fields = ("level", "rank", "profile", "events", "rrmse_pu", "bias_pu", "missing_pu", "passes")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(Certification)
class CertificationAdmin(ReadOnlyAdmin):
    list_display = ["device", "first_day", "last_day", "level", "best_profile", "as_of"]
    list_filter = ["level"]
    search_fields = ["device__code", "device__site__code"]
    list_select_related = ["device", "best_profile"]
    inlines = [CertificationFitInline]


@admin.register(CertificationFit)
class CertificationFitAdmin(ReadOnlyAdmin):
    list_display = ["certification", "level", "rank", "profile", "rrmse_pu", "bias_pu", "passes"]
    list_filter = ["level", "passes"]
    search_fields = ["certification__device__code"]
    list_select_related = ["certification", "profile"]


@admin.register(SiteMethod)
class SiteMethodAdmin(DatedAdmin):
    list_display = ["site", "valid_from", "profile_name", "certification"]
    search_fields = ["site__code", "profile_name"]
    list_select_related = ["site", "certification"]


@admin.register(ProductTerms)
class ProductTermsAdmin(DatedAdmin):
    list_display = ["market_code", "product_code", "contract_id", "version", "valid_from", "source"]
    list_filter = ["market_code"]
    search_fields = ["market_code", "product_code", "contract_id"]


@admin.register(ComponentInput)
class ComponentInputAdmin(ReadOnlyAdmin):
    list_display = ["award", "component", "received_at"]
    list_filter = ["component"]
    search_fields = ["award__source_reference"]
    list_select_related = ["award"]
