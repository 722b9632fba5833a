"""Shapes of telemetry's requests and answers; the way in uses them for the API's description only."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

MOST_CELLS = 500_000


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
    step_minutes = serializers.ChoiceField(choices=[15, 30, 60], default=15)
    as_of = serializers.DateTimeField(required=False, default=None)
    download = serializers.ChoiceField(choices=["csv"], required=False, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        step_s = attrs["step_minutes"] * 60
        span_s = (attrs["end"] - attrs["start"]).total_seconds()
        if span_s <= 0 or span_s % step_s or attrs["start"].timestamp() % 900:
            raise serializers.ValidationError("start and end must lie on the grid, start before end")
        if len(attrs["device"]) * span_s / step_s > MOST_CELLS:
            raise serializers.ValidationError(f"at most {MOST_CELLS} values a request")
        return attrs


class SeriesSerializer(serializers.Serializer):
    device = serializers.CharField()
    power_kw = serializers.ListField(child=serializers.FloatField(allow_null=True))


class SeriesAnswerSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    step_minutes = serializers.IntegerField()
    series = SeriesSerializer(many=True)
