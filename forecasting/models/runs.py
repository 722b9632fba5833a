"""Forecast runs and what they found: one row per series and run, arrays over the delivery day.

All powers follow the load convention: positive is consumption, negative production. H is the number of intervals of the
run's delivery day (92, 96 or 100 quarter hours), index 0 at local midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import F, Q

from forecasting.fields import PackedArrayField
from vpp.enrollment.models import Device, Portfolio
from vpp.network.models import Feeder

if TYPE_CHECKING:
    from datetime import datetime

    from vpp.accounts.models import Principal


class ForecastRunQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; for a utility the runs of its own feeders; nothing for others."""
        if principal.sees_all:
            return self
        return self.filter(portfolio=None, feeder_code__in=Feeder.objects.visible_to(principal).values("code"))

    def known_at(self, moment: datetime) -> Self:
        return self.filter(issue_time__lte=moment)


class ForecastRun(models.Model):
    """One forecast of one portfolio, or of one feeder's net load, for one delivery day. Written whole or not at all."""

    class State(models.TextChoices):
        OK = "OK", "complete"
        DEGRADED = "DEGRADED", "complete, with fallbacks"

    natural_key = models.CharField(max_length=200, unique=True)
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, null=True, blank=True, related_name="forecast_runs"
    )
    feeder_code = models.CharField(max_length=80, blank=True, help_text="of a feeder run; empty for a portfolio run")
    zone_code = models.CharField(max_length=40)
    time_zone = models.CharField(max_length=64)
    delivery_date = models.DateField()
    version = models.PositiveSmallIntegerField(default=1)
    step_minutes = models.PositiveSmallIntegerField(default=15)
    issue_time = models.DateTimeField(help_text="the forecast was available from this moment on")
    data_as_of = models.DateTimeField(help_text="only readings available until then were used")
    history_start = models.DateTimeField()
    seed = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State)
    model_versions = models.JSONField(default=dict, help_text="estimator parameters, weights and library versions")
    fallbacks = models.JSONField(default=dict, help_text="what was not served by the full ladder, and why")
    duration_s = models.FloatField()

    objects = ForecastRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(portfolio__isnull=False, feeder_code="") | (Q(portfolio__isnull=True) & ~Q(feeder_code="")),
                name="forecast_run_of_a_portfolio_or_a_feeder",
            ),
            models.CheckConstraint(condition=Q(data_as_of__lte=F("issue_time")), name="forecast_run_sees_no_future"),
            models.CheckConstraint(condition=Q(duration_s__gte=0), name="forecast_run_duration_not_negative"),
        ]
        indexes = [
            # latest_run(portfolio, date, as_of)
            models.Index(fields=["portfolio", "delivery_date", "-issue_time"], name="runs_of_a_portfolio"),
            # node_injections_kw(feeder, date, as_of)
            models.Index(fields=["feeder_code", "delivery_date", "-issue_time"], name="runs_of_a_feeder"),
        ]

    def __str__(self) -> str:
        return self.natural_key


class ForecastQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        if principal.sees_all:
            return self
        return self.filter(run__in=ForecastRun.objects.visible_to(principal))


class Forecast(models.Model):
    """Mean and quantiles of one series over the delivery day, undispatched behaviour.

    quantiles_kw holds H rows of one value per level, flattened; `forecasting.queries.quantiles_kw` reshapes it.
    """

    class Scope(models.TextChoices):
        DEVICE = "DEVICE", "device"
        PORTFOLIO = "PORTFOLIO", "portfolio"
        FEEDER = "FEEDER", "net load of a feeder"
        NODE = "NODE", "net load of a feeder's node"

    run = models.ForeignKey(ForecastRun, on_delete=models.CASCADE, related_name="forecasts")
    scope = models.CharField(max_length=10, choices=Scope)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    feeder_code = models.CharField(max_length=80, blank=True)
    node_code = models.CharField(max_length=120, blank=True)
    rung = models.CharField(max_length=12, help_text="highest rung of the ladder that served it")
    mean_kw = PackedArrayField(dtype="<f4")
    challenger_kw = PackedArrayField(
        dtype="<f4", null=True, blank=True, help_text="mean of the robust profile alone, for the accuracy board"
    )
    levels = ArrayField(models.FloatField(), default=list, blank=True)
    quantiles_kw = PackedArrayField(dtype="<f4")
    member_ids = ArrayField(
        models.BigIntegerField(), default=list, blank=True, help_text="of a total: devices whose readings add up to it"
    )
    available_at = models.DateTimeField()

    objects = ForecastQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "device"], condition=Q(scope="DEVICE"), name="forecast_one_a_device_and_run"
            ),
            models.UniqueConstraint(
                fields=["run", "node_code"], condition=Q(scope="NODE"), name="forecast_one_a_node_and_run"
            ),
            models.UniqueConstraint(
                fields=["run", "scope"],
                condition=Q(scope__in=["PORTFOLIO", "FEEDER"]),
                name="forecast_one_total_a_run",
            ),
            models.CheckConstraint(
                condition=Q(scope="DEVICE", device__isnull=False) | (~Q(scope="DEVICE") & Q(device__isnull=True)),
                name="forecast_device_only_in_device_scope",
            ),
        ]

    def __str__(self) -> str:
        subject = self.device_id or self.portfolio_id or self.node_code or self.feeder_code
        return f"{self.scope} {subject} of run {self.run_id}"


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

    objects = EnvelopeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.size} scenarios of run {self.run_id}"


class DispatchedPeriod(models.Model):
    """A period in which a device followed the plant instead of itself; forecasts leave it out of their training.

    Written by the rooms to the right that dispatch or curtail.
    """

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    period = DateTimeRangeField(help_text="UTC, half-open")
    source = models.CharField(max_length=200, help_text="what moved the device, for example an award")
    available_at = models.DateTimeField()

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "period", "source"], name="dispatched_period_once"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} dispatched {self.period}"


class Estimator(models.Model):
    """Parameters of a fitted aggregate model, as plain numbers; the newest that is not withdrawn is used.

    Withdrawing a version rolls back to the one before it.
    """

    series_key = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    parameters = models.JSONField()
    data_until = models.DateTimeField()
    fitted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series_key", "version"], name="estimator_versions_count_up"),
        ]

    def __str__(self) -> str:
        return f"{self.series_key} v{self.version}"
