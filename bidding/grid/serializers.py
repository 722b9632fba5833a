"""Shapes of the grid's edges. Quantities in kW (consumption positive unless the name has a direction) and kvar."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vpp.accounts.fields import Moment
from vpp.network.models import ClearingPlan, PlanBid, PlanDecision, TopologyVersion


class SwitchingInput(serializers.Serializer[Any]):
    """switches: element code -> [from end closed, to end closed]."""

    switches = serializers.DictField(
        child=serializers.ListField(child=serializers.BooleanField(), min_length=2, max_length=2), allow_empty=False
    )
    reason = serializers.CharField(max_length=1000)
    valid_from = Moment(required=False)
    allow_unsupplied = serializers.BooleanField(default=False)


class TopologySerializer(serializers.ModelSerializer[TopologyVersion]):
    feeder = serializers.CharField(source="feeder.code")

    class Meta:
        model = TopologyVersion
        fields = ["feeder", "version", "valid_from", "cause", "normal", "switches", "reason"]


class NeedsAsksInput(serializers.Serializer[Any]):
    date = serializers.DateField()
    gate_at = Moment()
    expires_at = Moment()
    ceiling_price_per_mwh = serializers.FloatField(min_value=0)
    margin_pu = serializers.FloatField(min_value=0, max_value=1, default=0.1)
    reactive_voltage = serializers.BooleanField(default=False)


class ForeignBidInput(serializers.Serializer[Any]):
    reference = serializers.CharField(max_length=120)
    aggregator = serializers.CharField(max_length=120)
    nodes = serializers.DictField(child=serializers.FloatField(min_value=0, max_value=1), allow_empty=False)
    up_kw = serializers.ListField(child=serializers.FloatField(), min_length=92, max_length=100)
    up_kvar = serializers.ListField(child=serializers.FloatField(), min_length=92, max_length=100, required=False)
    price_per_mwh = serializers.ListField(child=serializers.FloatField(min_value=0), min_length=92, max_length=100)
    min_activation_pu = serializers.FloatField(min_value=0, max_value=1, default=0)
    one_activation = serializers.BooleanField(default=False)
    start_cost = serializers.FloatField(min_value=0, default=0)
    energy_limit_kwh = serializers.FloatField(min_value=0, allow_null=True, default=None)
    exclusive_group = serializers.CharField(max_length=120, default="", allow_blank=True)


class PlanInput(serializers.Serializer[Any]):
    date = serializers.DateField()
    four_eyes = serializers.BooleanField(default=False)
    bids = ForeignBidInput(many=True, default=list)


class DecisionInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class PlanBidSerializer(serializers.ModelSerializer[PlanBid]):
    class Meta:
        model = PlanBid
        fields = [
            "reference", "aggregator", "node_codes", "price_per_mwh", "offered_kw", "taken_kw", "taken_kvar", "cost",
            "reason", "explanation",
        ]  # fmt: skip


class PlanDecisionSerializer(serializers.ModelSerializer[PlanDecision]):
    class Meta:
        model = PlanDecision
        fields = ["at", "actor", "accepted", "reason"]


class PlanSerializer(serializers.ModelSerializer[ClearingPlan]):
    feeder = serializers.CharField(source="feeder.code")
    topology_version = serializers.IntegerField(source="topology.version", allow_null=True, default=None)
    bids = PlanBidSerializer(many=True)
    decisions = PlanDecisionSerializer(many=True)

    class Meta:
        model = ClearingPlan
        fields = [
            "id", "feeder", "delivery_date", "time_zone", "topology_version", "topology_versions", "created_at",
            "state", "four_eyes", "cost", "currency", "ac_valid", "cures_all", "corrections", "violations_before",
            "violations_after", "bids", "decisions",
        ]  # fmt: skip
