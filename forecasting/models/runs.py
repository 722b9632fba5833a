"""Forecast runs and what they found: one row per series and run, arrays over the delivery day.

All powers follow the load convention: positive is consumption, negative production. H is the number of intervals of the
run's delivery day (92, 96 or 100 quarter hours), index 0 at local midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
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
