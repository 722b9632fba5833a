"""What is settled by: dated methods, terms and holidays, and the certificates that chose some of them."""

from django.contrib import admin
from django.http import HttpRequest

from vpp.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from vpp.accounts.admin_trail import Audited
from vpp.settlement.models import (
    BaselineProfile,
    Certification,
    CertificationFit,
    ComponentRule,
    DeviceMethod,
    Holiday,
    PaymentRule,
    ProductTerms,
    ResettlementStep,
    SiteMethod,
)


class DatedAdmin(Audited, admin.ModelAdmin):
    """Dated rules: a change is a new row beside the old one, which settled runs still name."""

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


@admin.register(SiteMethod)
class SiteMethodAdmin(DatedAdmin):
    list_display = ["site", "valid_from", "profile_name", "certification"]
    search_fields = ["site__code", "profile_name"]
    list_select_related = ["site", "certification"]


@admin.register(Holiday)
class HolidayAdmin(Audited, admin.ModelAdmin):
    list_display = ["zone_code", "date", "name"]
    list_filter = ["zone_code"]
    search_fields = ["name"]
    date_hierarchy = "date"


@admin.register(PaymentRule)
class PaymentRuleAdmin(DatedAdmin):
    list_display = ["product_kind", "valid_from", "imbalance_spread_pu", "penalty_pu"]
    list_filter = ["product_kind"]


@admin.register(ComponentRule)
class ComponentRuleAdmin(DatedAdmin):
    list_display = ["kind", "version", "valid_from", "source"]
    search_fields = ["kind", "source"]


@admin.register(ResettlementStep)
class ResettlementStepAdmin(DatedAdmin):
    list_display = ["market_code", "name", "offset", "unit", "disputable", "valid_from"]
    list_filter = ["market_code"]
    search_fields = ["market_code", "name"]


@admin.register(ProductTerms)
class ProductTermsAdmin(DatedAdmin):
    list_display = ["market_code", "product_code", "contract_id", "version", "valid_from", "source"]
    list_filter = ["market_code"]
    search_fields = ["market_code", "product_code", "contract_id"]


class CertificationFitInline(ReadOnlyInline):
    model = CertificationFit
    fields = ("level", "rank", "profile", "events", "rrmse_pu", "bias_pu", "missing_pu", "passes")
    readonly_fields = fields


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
