"""Shapes of the forecast API. Powers in kW, consumption positive, one value per interval of the delivery day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from forecasting import queries
from forecasting.models import Forecast, ForecastRun
from vpp.accounts.fields import Moment
from vpp.lib.periods import DeliveryDay

if TYPE_CHECKING:
    import pandas as pd


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


class WeatherForecastSerializer(serializers.Serializer):
    """One issue of a zone's weather."""

    zone = serializers.CharField(max_length=40, help_text="code of the zone, as portfolios and sites carry it")
    issued_at = Moment(help_text="when the forecast was made")
    start = Moment(help_text="start of the first interval")
    step_minutes = serializers.ChoiceField(choices=[15, 30, 60], default=60)
    values = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=4000),
        allow_empty=False,
        help_text="by variable, its unit in its name (temperature_c, ghi_w_per_m2); one value a step",
    )

    def validate_values(self, values: dict[str, list[float]]) -> dict[str, list[float]]:
        if len({len(one) for one in values.values()}) > 1:
            raise serializers.ValidationError("every variable needs as many values as the others")
        if any(not name or len(name) > 40 for name in values):
            raise serializers.ValidationError("a variable's name has 1 to 40 letters")
        return values

    def frame(self) -> pd.DataFrame:
        """Validated values on a UTC index, one column a variable."""
        import pandas as pd

        content: dict[str, Any] = self.validated_data
        count = len(next(iter(content["values"].values())))
        step = pd.Timedelta(minutes=int(content["step_minutes"]))
        index = pd.date_range(pd.Timestamp(content["start"]).tz_convert("UTC"), periods=count, freq=step)
        return pd.DataFrame(content["values"], index)


class WeatherStoredSerializer(serializers.Serializer):
    stored = serializers.IntegerField(help_text="variables that were new; 0 for a repeat")


def rounded(values_kw: Any) -> list[float]:
    """Watts are enough for a forecast."""
    return [round(float(value), 3) for value in values_kw]
