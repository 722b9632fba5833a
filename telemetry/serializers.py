"""Shapes of telemetry's requests and answers; the way in uses them for the API's description only."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from telemetry.kernels.resample import AGGREGATIONS

MOST_CELLS = 500_000
STEPS = (15, 30, 60, 120, 180, 240, 360, 720, 1440)


class ReadingRowSerializer(serializers.Serializer):
    device = serializers.CharField(max_length=120)
    time = serializers.DateTimeField(help_text="with an offset; start of the interval that the mean covers")
    power_kw = serializers.FloatField(help_text="consumption positive, production negative")
    energy_kwh = serializers.FloatField(required=False, allow_null=True)
    soc_kwh = serializers.FloatField(required=False, allow_null=True)
    voltage_pu = serializers.FloatField(required=False, allow_null=True)
    correction = serializers.BooleanField(required=False, default=False)


class ReadingsSerializer(serializers.Serializer):
    readings = ReadingRowSerializer(many=True)
    sign = serializers.ChoiceField(choices=["load", "generation"], required=False)


class RefusedReadingSerializer(serializers.Serializer):
    row = serializers.IntegerField(help_text="position in the message, from 0")
    reason = serializers.CharField()


class IngestAnswerSerializer(serializers.Serializer):
    accepted = serializers.IntegerField()
    corrected = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    refused = RefusedReadingSerializer(many=True)


class SeriesQuerySerializer(serializers.Serializer):
    device = serializers.ListField(child=serializers.CharField(max_length=120), min_length=1, max_length=200)
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    step_minutes = serializers.ChoiceField(choices=STEPS, default=15)
    aggregate = serializers.ChoiceField(choices=AGGREGATIONS, default="mean")
    total = serializers.BooleanField(default=False)
    fill = serializers.BooleanField(default=False)
    as_of = serializers.DateTimeField(required=False, default=None)
    download = serializers.ChoiceField(choices=["csv", "parquet"], required=False, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        step_s = attrs["step_minutes"] * 60
        span_s = (attrs["end"] - attrs["start"]).total_seconds()
        if span_s <= 0 or span_s % step_s or attrs["start"].timestamp() % 900:
            raise serializers.ValidationError("start and end must lie on the grid, start before end")
        if len(attrs["device"]) * span_s / 900 > MOST_CELLS:
            raise serializers.ValidationError(f"at most {MOST_CELLS} quarter hours a request")
        return attrs


class SeriesSerializer(serializers.Serializer):
    device = serializers.CharField(help_text='"total" where the sum was asked for')
    power_kw = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    energy_kwh = serializers.ListField(child=serializers.FloatField(allow_null=True), required=False)
    filled = serializers.ListField(child=serializers.BooleanField(), required=False)


class SeriesAnswerSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    step_minutes = serializers.IntegerField()
    series = SeriesSerializer(many=True)


class LiveQuerySerializer(serializers.Serializer):
    device = serializers.ListField(child=serializers.CharField(max_length=120), max_length=1000)
    site = serializers.CharField(max_length=120, default="")
    portfolio = serializers.CharField(max_length=120, default="")
    after = serializers.IntegerField(default=0, min_value=0, max_value=2**62)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs["device"] or attrs["site"] or attrs["portfolio"]):
            raise serializers.ValidationError("say which: device, site or portfolio")
        return attrs


class LiveReadingSerializer(serializers.Serializer):
    device = serializers.CharField()
    time = serializers.DateTimeField()
    power_kw = serializers.FloatField(allow_null=True)
    energy_kwh = serializers.FloatField(allow_null=True)
    soc_kwh = serializers.FloatField(allow_null=True)
    voltage_pu = serializers.FloatField(allow_null=True)
    quality = serializers.IntegerField()


class LiveAnswerSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    cursor = serializers.IntegerField(help_text="to send as `after` the next time")
    poll_after_s = serializers.IntegerField()
    open_alarms = serializers.IntegerField()
    readings = LiveReadingSerializer(many=True)
