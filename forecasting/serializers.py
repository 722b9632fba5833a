"""Shapes of the forecast API. Powers in kW, consumption positive, one value per interval of the delivery day."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from forecasting import queries
from forecasting.models import Forecast, ForecastRun
from vpp.lib.periods import DeliveryDay


class ForecastQuerySerializer(serializers.Serializer):
    feeder = serializers.CharField(help_text="code of a feeder of the caller's own")
    date = serializers.DateField(help_text="local delivery day")
    as_of = serializers.DateTimeField(required=False, help_text="answer as known then; default now")


class NodeForecastSerializer(serializers.Serializer):
    node = serializers.CharField()
    mean_kw = serializers.ListField(child=serializers.FloatField())


class FeederForecastSerializer(serializers.Serializer):
    """Takes {"run": ForecastRun, "rows": [Forecast]}."""

    feeder = serializers.CharField()
    delivery_date = serializers.DateField()
    time_zone = serializers.CharField()
    issue_time = serializers.DateTimeField()
    state = serializers.CharField()
    step_minutes = serializers.IntegerField()
    interval_start = serializers.ListField(child=serializers.DateTimeField())
    mean_kw = serializers.ListField(child=serializers.FloatField())
    levels = serializers.ListField(child=serializers.FloatField())
    quantiles_kw = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    nodes = NodeForecastSerializer(many=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        run: ForecastRun = instance["run"]
        rows: list[Forecast] = instance["rows"]
        total = next(row for row in rows if row.scope == Forecast.Scope.FEEDER)
        day = DeliveryDay(run.delivery_date, run.time_zone, run.step_minutes)
        return {
            "feeder": run.feeder_code,
            "delivery_date": run.delivery_date.isoformat(),
            "time_zone": run.time_zone,
            "issue_time": run.issue_time.isoformat(),
            "state": run.state,
            "step_minutes": run.step_minutes,
            "interval_start": [start.isoformat() for start in day.starts()],
            "mean_kw": rounded(total.mean_kw),
            "levels": total.levels,
            "quantiles_kw": [rounded(row) for row in queries.quantiles_kw(total)],
            "nodes": [
                {"node": row.node_code, "mean_kw": rounded(row.mean_kw)}
                for row in rows
                if row.scope == Forecast.Scope.NODE
            ],
        }


def rounded(values_kw: Any) -> list[float]:
    """Watts are enough for a forecast."""
    return [round(float(value), 3) for value in values_kw]
