"""Shapes of the dispatch API. Powers in kW, consumption positive; moments with an offset."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vpp.dispatch.models import ControlCycle, DeviceStatus


class SetpointQuerySerializer(serializers.Serializer):
    interval = serializers.DateTimeField(help_text="start of the interval, on the quarter hour")
    in_force = serializers.BooleanField(default=False, help_text="also those that were answered before")


class SetpointColumnsSerializer(serializers.Serializer):
    """M setpoints as columns of equal length; `released` ends the dispatch of the device."""

    id = serializers.ListField(child=serializers.IntegerField())
    device = serializers.ListField(child=serializers.CharField())
    interval_start = serializers.ListField(child=serializers.DateTimeField())
    sequence = serializers.ListField(child=serializers.IntegerField())
    target_kw = serializers.ListField(child=serializers.FloatField())
    released = serializers.ListField(child=serializers.BooleanField())
    state = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.ListField(child=serializers.DateTimeField())


class OutgoingSerializer(serializers.Serializer):
    interval = serializers.DateTimeField()
    setpoints = SetpointColumnsSerializer()


class RefusalSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    reason = serializers.CharField(max_length=80, allow_blank=True, default="")


class AcknowledgementsSerializer(serializers.Serializer):
    interval = serializers.DateTimeField(required=False)
    accepted = serializers.ListField(child=serializers.IntegerField(), default=list)
    refused = RefusalSerializer(many=True, default=list)

    def refusals(self) -> dict[int, str]:
        refused: list[dict[str, Any]] = self.validated_data["refused"]
        return {item["id"]: item["reason"] for item in refused}


class AnsweredSerializer(serializers.Serializer):
    acknowledged = serializers.IntegerField()
    refused = serializers.IntegerField()
    ignored = serializers.IntegerField(help_text="answered before, superseded, or not yours")


class DispatchQuerySerializer(serializers.Serializer):
    portfolio = serializers.CharField(required=False, help_text="portfolio code")
    date = serializers.DateField(required=False, help_text="delivery date in the portfolio's zone")


class ControlCycleSerializer(serializers.ModelSerializer):
    portfolio: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = ControlCycle
        fields = [
            "portfolio", "interval_start", "revision", "at", "committed_up_kw", "placed_up_kw", "residual_up_kw",
            "written", "unavailable", "detail",
        ]  # fmt: skip


class DeviceStatusSerializer(serializers.ModelSerializer):
    device: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = DeviceStatus
        fields = ["device", "state", "since", "retry_at", "failures"]
