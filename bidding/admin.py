"""Bidding for support: everything can be found, what was promised cannot be edited."""

from __future__ import annotations

from django.contrib import admin

from bidding import models
from vpp.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from vpp.accounts.admin_trail import Audited


class Plain(Audited, admin.ModelAdmin):
    show_full_result_count = False
    list_per_page = 50


class ProductInline(admin.TabularInline):
    model = models.Product
    extra = 0
    fields = ["code", "kind", "min_quantity_kw", "lot_kw", "price_floor", "price_cap", "block_minutes", "pay_rule"]


@admin.register(models.Market)
class MarketAdmin(Plain):
    list_display = ["code", "name", "kind", "zone_code", "mtu_minutes", "gate_days_before", "gate_local_time"]
    list_filter = ["kind", "zone_code"]
    search_fields = ["code", "name"]
    inlines = [ProductInline]


@admin.register(models.Product)
class ProductAdmin(Plain):
    list_display = ["code", "market", "kind", "min_quantity_kw", "lot_kw", "block_minutes", "endurance_minutes"]
    list_filter = ["kind", "market"]
    list_select_related = ["market"]
    search_fields = ["code", "name", "market__code"]


@admin.register(models.Price)
class PriceAdmin(ReadOnlyAdmin):
    list_display = ["product", "interval_start", "price", "source", "available_at"]
    list_filter = ["product__market"]
    list_select_related = ["product"]
    search_fields = ["product__code", "source"]
    date_hierarchy = None


class AskEventInline(ReadOnlyInline):
    model = models.AskEvent
    readonly_fields = ["at", "state", "reason"]


@admin.register(models.Ask)
class AskAdmin(ReadOnlyAdmin):
    list_display = ["reference", "utility", "congestion_point", "direction", "delivery_date", "state", "gate_at"]
    list_filter = ["state", "direction", "utility"]
    list_select_related = ["utility", "congestion_point"]
    search_fields = ["reference", "congestion_point__code"]
    inlines = [AskEventInline]


class BidEventInline(ReadOnlyInline):
    model = models.BidEvent
    readonly_fields = ["at", "state", "reason"]


@admin.register(models.Bid)
class BidAdmin(ReadOnlyAdmin):
    list_display = ["natural_key", "portfolio", "product", "ask", "delivery_date", "state", "gap", "submitted_at"]
    list_filter = ["state", "product__kind", "delivery_date"]
    list_select_related = ["portfolio", "product", "ask"]
    search_fields = ["natural_key", "portfolio__code", "ask__reference"]
    inlines = [BidEventInline]


@admin.register(models.Award)
class AwardAdmin(ReadOnlyAdmin):
    list_display = ["source_reference", "bid", "awarded_at"]
    list_select_related = ["bid"]
    search_fields = ["source_reference", "bid__natural_key"]


@admin.register(models.AwardCancellation)
class AwardCancellationAdmin(ReadOnlyAdmin):
    list_display = ["source_reference", "award", "cancelled_at", "reason"]
    list_select_related = ["award"]
    search_fields = ["source_reference", "award__source_reference", "award__bid__natural_key"]


@admin.register(models.Activation)
class ActivationAdmin(ReadOnlyAdmin):
    list_display = ["award", "interval_start", "activated_pu", "received_at"]
    list_select_related = ["award"]
    search_fields = ["award__source_reference"]


@admin.register(models.BookCell)
class BookCellAdmin(ReadOnlyAdmin):
    list_display = ["portfolio", "interval_start", "direction", "capacity_kw", "promised_kw"]
    list_filter = ["direction", "portfolio"]
    list_select_related = ["portfolio"]
    search_fields = ["portfolio__code"]


@admin.register(models.BookEntry)
class BookEntryAdmin(ReadOnlyAdmin):
    list_display = ["bid", "interval_start", "direction", "quantity_kw", "state"]
    list_filter = ["state", "direction"]
    list_select_related = ["bid"]
    search_fields = ["bid__natural_key"]


class NightlyStepInline(ReadOnlyInline):
    model = models.NightlyStep
    readonly_fields = ["name", "state", "started_at", "finished_at", "duration_s", "detail"]


@admin.register(models.NightlyRun)
class NightlyRunAdmin(ReadOnlyAdmin):
    list_display = ["natural_key", "zone_code", "delivery_date", "state", "gate_at", "finished_at"]
    list_filter = ["state", "zone_code"]
    search_fields = ["natural_key"]
    inlines = [NightlyStepInline]


@admin.register(models.PlannedDay)
class PlannedDayAdmin(ReadOnlyAdmin):
    list_display = ["run", "portfolio", "kind", "status", "gap", "expected_profit"]
    list_filter = ["kind", "status"]
    list_select_related = ["run", "portfolio"]
    search_fields = ["portfolio__code", "run__natural_key"]


@admin.register(models.NightlyStep, models.AskEvent, models.BidEvent)
class StepAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "state"]
    list_filter = ["state"]
    search_fields = ["pk"]


@admin.register(models.BidOption)
class BidOptionAdmin(ReadOnlyAdmin):
    list_display = ["bid", "reference", "price_per_mwh", "price", "min_activation_pu"]
    search_fields = ["bid__natural_key", "reference"]
    list_select_related = ["bid__portfolio", "bid__product__market"]


@admin.register(models.OrderedOption)
class OrderedOptionAdmin(ReadOnlyAdmin):
    list_display = ["award_id", "option_id", "activation_pu", "price"]
    search_fields = ["option__reference", "award__source_reference"]


@admin.register(models.FlexContract)
class FlexContractAdmin(ReadOnlyAdmin):
    list_display = ["contract_id", "utility", "congestion_point", "direction", "power_kw", "first_date", "last_date"]
    list_filter = ["utility", "service_kind"]
    search_fields = ["contract_id", "congestion_point__code"]
    list_select_related = ["utility", "congestion_point"]


@admin.register(models.Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ["contract", "delivery_date", "reference", "updated_at"]
    search_fields = ["contract__contract_id", "reference"]
    list_select_related = ["contract__utility"]


@admin.register(models.RiskSetting)
class RiskSettingAdmin(Plain):
    """A setting, so it may be edited; the admin's own history says who did."""

    list_display = ["zone_code", "portfolio", "beta", "alpha"]
    list_filter = ["zone_code"]
    list_select_related = ["portfolio"]
    search_fields = ["zone_code", "portfolio__code"]


@admin.register(models.MarketDocument)
class MarketDocumentAdmin(ReadOnlyAdmin):
    list_display = ["mrid", "revision", "market", "delivery_date", "state", "sent_at", "answered_at"]
    list_filter = ["state", "market"]
    list_select_related = ["market"]
    search_fields = ["mrid", "market__code"]
