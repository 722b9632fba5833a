from __future__ import annotations

from rest_framework import serializers

from vpp.enrollment.models import Device, Portfolio, Site


class SiteSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.code")

    class Meta:
        model = Site
        fields = [
            "id", "code", "name", "owner", "time_zone", "zone_code", "feeder_code", "node_code", "import_limit_kw",
            "export_limit_kw", "baseline_method",
        ]  # fmt: skip


class DeviceSerializer(serializers.ModelSerializer):
    site = serializers.CharField(source="site.code")

    class Meta:
        model = Device
        fields = [
            "id", "code", "site", "kind", "name", "max_consumption_kw", "max_production_kw", "controllable",
            "energy_capacity_kwh", "charge_efficiency", "discharge_efficiency", "ramp_kw_per_minute",
            "min_on_minutes", "min_off_minutes", "cost_per_kwh", "suspended_at",
        ]  # fmt: skip


class PortfolioSerializer(serializers.ModelSerializer):
    class Meta:
        model = Portfolio
        fields = ["id", "code", "name", "zone_code", "feeder_code", "time_zone", "min_kw"]
