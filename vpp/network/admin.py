from django.contrib import admin

from vpp.accounts.admin import ReadOnlyAdmin
from vpp.accounts.admin_trail import Audited
from vpp.network.models import (
    Branch,
    ClearingPlan,
    CongestionPoint,
    Feeder,
    Node,
    OperatingEnvelope,
    PlanBid,
    PlanDecision,
    Regulator,
    Shunt,
    Source,
    Substation,
    TopologyVersion,
    Transformer,
)


@admin.register(Substation)
class SubstationAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "name", "utility"]
    list_filter = ["utility"]
    search_fields = ["code", "name"]
    list_select_related = ["utility"]
    show_full_result_count = False


@admin.register(Feeder)
class FeederAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "name", "utility", "substation", "power_factor"]
    list_filter = ["utility"]
    search_fields = ["code", "name", "substation__code"]
    list_select_related = ["utility", "substation"]
    autocomplete_fields = ["substation"]
    show_full_result_count = False


class ElementAdmin(Audited, admin.ModelAdmin):
    """Grids have thousands of elements: search instead of lists to choose from, no counts."""

    search_fields = ["code", "feeder__code"]
    list_select_related = ["feeder"]
    show_full_result_count = False
    list_per_page = 50


@admin.register(Node)
class NodeAdmin(ElementAdmin):
    list_display = ["code", "feeder", "nominal_kv", "v_min_pu", "v_max_pu"]
    list_filter = ["nominal_kv"]
    autocomplete_fields = ["feeder"]


@admin.register(Branch)
class BranchAdmin(ElementAdmin):
    list_display = ["code", "feeder", "from_node", "to_node", "rating_a", "from_closed", "to_closed"]
    list_filter = ["from_closed", "to_closed"]
    list_select_related = ["feeder", "from_node", "to_node"]
    autocomplete_fields = ["feeder", "from_node", "to_node"]


@admin.register(Transformer)
class TransformerAdmin(ElementAdmin):
    list_display = ["code", "feeder", "rated_kva", "hv_kv", "lv_kv", "vk_percent", "tap_position"]
    autocomplete_fields = ["feeder", "hv_node", "lv_node"]


@admin.register(Regulator)
class RegulatorAdmin(ElementAdmin):
    list_display = ["code", "feeder", "transformer", "v_set_pu", "v_band_pu", "tap_min", "tap_max"]
    autocomplete_fields = ["feeder", "transformer"]


@admin.register(Shunt)
class ShuntAdmin(ElementAdmin):
    list_display = ["code", "feeder", "node", "q_kvar"]
    autocomplete_fields = ["feeder", "node"]


@admin.register(Source)
class SourceAdmin(Audited, admin.ModelAdmin):
    list_display = ["feeder", "node", "v_pu"]
    search_fields = ["feeder__code", "node__code"]
    list_select_related = ["feeder", "node"]
    autocomplete_fields = ["feeder", "node"]
    show_full_result_count = False


@admin.register(CongestionPoint)
class CongestionPointAdmin(Audited, admin.ModelAdmin):
    list_display = ["code", "utility", "feeder", "transformer", "branch", "limit_kw"]
    list_filter = ["utility"]
    search_fields = ["code", "feeder__code"]
    list_select_related = ["utility", "feeder", "transformer", "branch"]
    autocomplete_fields = ["feeder", "transformer", "branch"]
    show_full_result_count = False


@admin.register(TopologyVersion)
class TopologyVersionAdmin(ReadOnlyAdmin):
    list_display = ["feeder", "version", "valid_from", "cause", "normal", "reason"]
    list_filter = ["cause", "normal"]
    search_fields = ["feeder__code", "reason"]
    list_select_related = ["feeder"]


@admin.register(OperatingEnvelope)
class OperatingEnvelopeAdmin(ReadOnlyAdmin):
    list_display = ["feeder", "delivery_date", "available_at", "topology"]
    search_fields = ["feeder__code"]
    list_select_related = ["feeder", "topology__feeder"]


@admin.register(ClearingPlan)
class ClearingPlanAdmin(ReadOnlyAdmin):
    list_display = ["feeder", "delivery_date", "state", "cost", "ac_valid", "cures_all", "created_at"]
    list_filter = ["state", "ac_valid"]
    search_fields = ["feeder__code"]
    list_select_related = ["feeder"]


@admin.register(PlanBid)
class PlanBidAdmin(ReadOnlyAdmin):
    list_display = ["plan", "reference", "aggregator", "cost", "reason"]
    list_filter = ["reason"]
    search_fields = ["reference", "aggregator", "plan__feeder__code"]
    list_select_related = ["plan__feeder"]


@admin.register(PlanDecision)
class PlanDecisionAdmin(ReadOnlyAdmin):
    list_display = ["plan", "at", "actor", "accepted", "reason"]
    list_filter = ["accepted"]
    search_fields = ["actor", "plan__feeder__code"]
    list_select_related = ["plan__feeder"]
