from __future__ import annotations

from rest_framework import serializers

from vpp.network.models import CongestionPoint, Feeder


class FeederSerializer(serializers.ModelSerializer):
    utility = serializers.CharField(source="utility.code")
    substation = serializers.CharField(source="substation.code")

    class Meta:
        model = Feeder
        fields = ["code", "name", "utility", "substation", "power_factor"]


class CongestionPointSerializer(serializers.ModelSerializer):
    utility = serializers.CharField(source="utility.code")
    feeder = serializers.CharField(source="feeder.code")
    transformer = serializers.CharField(source="transformer.code", allow_null=True, default=None)
    branch = serializers.CharField(source="branch.code", allow_null=True, default=None)

    class Meta:
        model = CongestionPoint
        fields = ["code", "utility", "feeder", "transformer", "branch", "limit_kw"]
