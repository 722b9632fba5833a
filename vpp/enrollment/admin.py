from django.contrib import admin
from django.http import HttpRequest

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.accounts.admin_trail import Audited
from vpp.enrollment.models import (
    Consent,
    Contract,
    Device,
    Enrollment,
    Handover,
    OwnerTerms,
    Portfolio,
    Prequalification,
    Site,
)


@admin.register(Site)
class SiteAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "name", "owner", "zone_code", "feeder_code", "node_code", "baseline_method"]
    list_filter = ["zone_code", "baseline_method"]
    search_fields = ["code", "name", "owner__code", "feeder_code"]
    autocomplete_fields = ["owner"]
    list_select_related = ["owner"]
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Site | None = None) -> list[str]:
        """Whose a site is changes from a day on, on its page under Enrollment."""
        return ["owner"] if obj else []


@admin.register(Handover)
class HandoverAdmin(ReadOnlyAdmin):
    list_display = ["site", "former_owner", "owner", "since", "recorded_at"]
    search_fields = ["site__code", "owner__code", "former_owner__code"]
    list_select_related = ["site", "owner", "former_owner"]


@admin.register(Device)
class DeviceAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "site", "kind", "max_consumption_kw", "max_production_kw", "controllable", "suspended_at"]
    list_filter = ["kind", "controllable"]
    search_fields = ["code", "site__code", "site__owner__code"]
    autocomplete_fields = ["site"]
    list_select_related = ["site"]
    show_full_result_count = False


@admin.register(OwnerTerms)
class OwnerTermsAdmin(Audited, admin.ModelAdmin):
    list_display = ["device", "period", "reserve_floor_pu", "max_events_per_day", "opted_out"]
    list_filter = ["opted_out"]
    search_fields = ["device__code"]
    autocomplete_fields = ["device"]
    list_select_related = ["device"]
    show_full_result_count = False


@admin.register(Contract)
class ContractAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "owner", "period", "split_rule", "owner_share_pu", "fee_per_event", "currency"]
    search_fields = ["code", "owner__code"]
    autocomplete_fields = ["owner"]
    list_select_related = ["owner"]
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Contract | None = None) -> list[str]:
        """What was agreed is settled by: other terms are another contract, and this one ends."""
        if obj is None:
            return []
        return [field.name for field in Contract._meta.fields if field.name not in ("id", "period")]


@admin.register(Portfolio)
class PortfolioAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "name", "zone_code", "feeder_code", "min_kw"]
    list_filter = ["zone_code"]
    search_fields = ["code", "name"]
    show_full_result_count = False


@admin.register(Enrollment)
class EnrollmentAdmin(Audited, admin.ModelAdmin):
    list_display = ["device", "portfolio", "period"]
    list_filter = ["portfolio"]
    search_fields = ["device__code", "portfolio__code"]
    autocomplete_fields = ["device", "portfolio"]
    list_select_related = ["device", "portfolio"]
    show_full_result_count = False


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ["site", "given_by", "given_at", "document", "withdrawn_at"]
    search_fields = ["site__code", "given_by"]
    list_select_related = ["site"]


@admin.register(Prequalification)
class PrequalificationAdmin(ReadOnlyAdmin):
    list_display = ["device", "window_start", "asked_up_kw", "delivered_up_kw", "passed"]
    list_filter = ["passed"]
    search_fields = ["device__code"]
    list_select_related = ["device"]
