"""Shapes of the dispatch API. Powers in kW, consumption positive; moments with an offset."""

from __future__ import annotations

import math
from datetime import time
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from rest_framework import serializers

from vpp.dispatch.models import Alarm, ControlCycle, DeviceStatus, Setpoint
from vpp.lib.periods import FIRST_DAY, LAST_DAY, local_moment

LONGEST_ID = 19  # digits of the largest id
DAYS = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
MOMENTS = [MinValueValidator(local_moment(FIRST_DAY, time(0), "UTC")),
           MaxValueValidator(local_moment(LAST_DAY, time(0), "UTC"))]  # fmt: skip


class SetpointQuerySerializer(serializers.Serializer):
    interval = serializers.DateTimeField(
        validators=MOMENTS, help_text="start of the interval, or a moment in it: what holds then"
    )
    in_force = serializers.BooleanField(default=False, help_text="also those that were answered before")
    wait = serializers.FloatField(
        default=0.0, min_value=0.0, max_value=25.0, help_text="seconds to wait for something new, if there is a place"
    )


class SetpointColumnsSerializer(serializers.Serializer):
    """M setpoints as columns of equal length; `released` ends the dispatch of real power, not `target_kvar`."""

    id = serializers.ListField(child=serializers.IntegerField())
    device = serializers.ListField(child=serializers.CharField())
    interval_start = serializers.ListField(child=serializers.DateTimeField())
    sequence = serializers.ListField(child=serializers.IntegerField())
    target_kw = serializers.ListField(child=serializers.FloatField())
    target_kvar = serializers.ListField(
        child=serializers.FloatField(allow_null=True), help_text="injection positive; null: the device's own"
    )
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
    kvar = serializers.DictField(
        child=serializers.FloatField(),
        default=dict,
        help_text="reactive power given, by accepted id; injection positive",
    )

    def validate_kvar(self, value: dict[str, float]) -> dict[int, float]:
        if not all(key.isdigit() and len(key) < LONGEST_ID and math.isfinite(kvar) for key, kvar in value.items()):
            raise serializers.ValidationError("want finite numbers by setpoint id")
        return {int(key): kvar for key, kvar in value.items()}

    def applied_kvar(self) -> dict[int, float]:
        found: dict[int, float] = self.validated_data["kvar"]
        return found

    def refusals(self) -> dict[int, str]:
        refused: list[dict[str, Any]] = self.validated_data["refused"]
        return {item["id"]: item["reason"] for item in refused}


class AnsweredSerializer(serializers.Serializer):
    acknowledged = serializers.IntegerField()
    refused = serializers.IntegerField()
    ignored = serializers.IntegerField(help_text="answered before, superseded, or not yours")


class DispatchQuerySerializer(serializers.Serializer):
    portfolio = serializers.CharField(required=False, help_text="portfolio code")
    date = serializers.DateField(required=False, validators=DAYS, help_text="delivery date in the portfolio's zone")


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


class ReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=200, allow_blank=True, default="")


class OptOutSerializer(serializers.Serializer):
    """cycles: the control cycles that were run at once; empty if the device was so already."""

    device = serializers.CharField()
    opted_out = serializers.BooleanField()
    at = serializers.DateTimeField()
    cycles = serializers.ListField(child=serializers.IntegerField())


class ConsentWithdrawalSerializer(serializers.Serializer):
    site = serializers.CharField()
    at = serializers.DateTimeField()
    cycles = serializers.ListField(child=serializers.IntegerField())


class OwnerWishesSerializer(serializers.Serializer):
    """What is left out stays as it is; null takes a wish back."""

    departure_local_time = serializers.TimeField(required=False, allow_null=True, help_text="in the site's zone")
    departure_energy_kwh = serializers.FloatField(required=False, allow_null=True, min_value=0.0)
    comfort_min_c = serializers.FloatField(required=False, allow_null=True, min_value=-30.0, max_value=100.0)
    comfort_max_c = serializers.FloatField(required=False, allow_null=True, min_value=-30.0, max_value=100.0)
    reserve_floor_pu = serializers.FloatField(required=False, min_value=0.0, max_value=1.0)
    reason = serializers.CharField(max_length=200, allow_blank=True, default="")


class OwnerWishesAnswerSerializer(serializers.Serializer):
    device = serializers.CharField()
    at = serializers.DateTimeField()
    departure_local_time = serializers.TimeField(allow_null=True)
    departure_energy_kwh = serializers.FloatField(allow_null=True)
    comfort_min_c = serializers.FloatField(allow_null=True)
    comfort_max_c = serializers.FloatField(allow_null=True)
    reserve_floor_pu = serializers.FloatField()
    opted_out = serializers.BooleanField()


class DeviceSetpointSerializer(serializers.ModelSerializer):
    """What was asked of a device and what it did."""

    class Meta:
        model = Setpoint
        fields = [
            "id", "interval_start", "sequence", "target_kw", "target_kvar", "baseline_kw", "released", "state",
            "reason", "measured_kw", "applied_kvar", "issued_at", "expires_at",
        ]  # fmt: skip


class DeviceDayQuerySerializer(serializers.Serializer):
    date = serializers.DateField(required=False, validators=DAYS, help_text="day in the site's zone; today if left out")


class DeviceDaySerializer(serializers.Serializer):
    """moved_kwh: energy moved away from the device's own plan, both ways; hours and events count against the terms."""

    device = serializers.CharField()
    date = serializers.DateField()
    moved_kwh = serializers.FloatField()
    hours = serializers.FloatField()
    events = serializers.IntegerField()
    setpoints = DeviceSetpointSerializer(many=True)


class AlarmSerializer(serializers.ModelSerializer):
    portfolio: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = Alarm
        fields = [
            "id", "portfolio", "award", "kind", "interval_start", "committed_up_kw", "short_kw", "raised_at",
            "acknowledged_at", "acknowledged_by", "note",
        ]  # fmt: skip


class AcknowledgeSerializer(serializers.Serializer):
    note = serializers.CharField(max_length=200, allow_blank=True, default="")


class DeviationSerializer(serializers.Serializer):
    portfolio = serializers.CharField()
    interval_start = serializers.DateTimeField()
    committed_up_kw = serializers.FloatField()
    expected_up_kw = serializers.FloatField()
    measured_pu = serializers.FloatField()
    short_kw = serializers.DictField(child=serializers.FloatField(), help_text="by award")
