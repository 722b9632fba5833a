"""What a run says of a portfolio beside its forecasts: envelopes of its groups, and joint scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from forecasting.fields import PackedArrayField
from forecasting.models.runs import ForecastRun
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class EnvelopeQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Flexibility is the aggregator's own business."""
        return self if principal.sees_all else self.none()


class Envelope(models.Model):
    """What a group of a portfolio can follow: power in [min, max], cumulative energy since midnight in [min, max].

    Any schedule inside can be split over the group's devices (an inner bound). Schedules of different groups add up.
    group "" is the whole portfolio and keeps that promise without any look at energy: storage counts only with the
    power it can hold all day, so it is narrower than the sum of the groups.
    """

    run = models.ForeignKey(ForecastRun, on_delete=models.CASCADE, related_name="envelopes")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    group = models.CharField(max_length=12, blank=True, help_text="device kind, or empty for the whole portfolio")
    confidence = models.FloatField(help_text="share of scenarios in which the bounds hold")
    baseline_kw = PackedArrayField(dtype="<f8")
    power_min_kw = PackedArrayField(dtype="<f8")
    power_max_kw = PackedArrayField(dtype="<f8")
    energy_min_kwh = PackedArrayField(dtype="<f8", help_text="cumulative to the end of each interval")
    energy_max_kwh = PackedArrayField(dtype="<f8")
    discharge_limit_kwh = models.FloatField(
        null=True, blank=True, help_text="energy given back a day within which the bounds hold; empty if it never binds"
    )
    device_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "group", "confidence"], name="envelope_one_a_group_and_confidence"),
            models.CheckConstraint(condition=Q(confidence__gt=0, confidence__lt=1), name="envelope_confidence_in_0_1"),
        ]

    def __str__(self) -> str:
        return f"envelope {self.group or 'all'} {self.confidence} of run {self.run_id}"


class ScenarioSet(models.Model):
    """S joint scenarios of a portfolio's undispatched net power, S x H flattened, with their probabilities."""

    run = models.OneToOneField(ForecastRun, on_delete=models.CASCADE, related_name="scenario_set")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveSmallIntegerField()
    power_kw = PackedArrayField(dtype="<f8", help_text="S rows of H values: net power of the portfolio")
    production_kw = PackedArrayField(dtype="<f8", help_text="S rows of H values: the part of PV and wind, <= 0")
    probability = PackedArrayField(dtype="<f8", help_text="S values, sum 1")
    price_eur_per_mwh = PackedArrayField(
        dtype="<f8", null=True, blank=True, help_text="S rows of H values, of the same days; empty without a forecast"
    )
    days = ArrayField(
        models.DateField(), default=list, blank=True, help_text="past days whose errors the scenarios have"
    )

    objects = EnvelopeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.size} scenarios of run {self.run_id}"


class PriceForecast(models.Model):
    """Day-ahead prices of a zone as they were expected, and S equally likely paths of them on the scenarios' days."""

    zone_code = models.CharField(max_length=40)
    delivery_date = models.DateField()
    version = models.PositiveSmallIntegerField()
    issue_time = models.DateTimeField(help_text="the forecast was available from this moment on")
    deciles_eur_per_mwh = PackedArrayField(dtype="<f8", help_text="H rows of nine values, 0.1 to 0.9")
    paths_eur_per_mwh = PackedArrayField(dtype="<f8", help_text="S rows of H values")
    size = models.PositiveSmallIntegerField()

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone_code", "delivery_date", "version"], name="price_forecast_one_a_zone_day_and_version"
            ),
        ]

    def __str__(self) -> str:
        return f"prices of {self.zone_code} on {self.delivery_date} v{self.version}"
