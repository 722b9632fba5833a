"""The day ahead (plans), each pass of the control loop, and what could not be met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from vpp.dispatch.models.querysets import OfDeviceQuerySet
from vpp.enrollment.models import Device, Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class OfPortfolioQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Plans and cycles are the aggregator's own business."""
        return self if principal.sees_all else self.none()


def _day_array(help_text: str) -> ArrayField:
    return ArrayField(models.FloatField(), help_text=help_text)


class Plan(models.Model):
    """What a portfolio is to do on a delivery day, H intervals from local midnight; kW, consumption positive."""

    class State(models.TextChoices):
        OK = "OK", "ok"
        DEGRADED = "DEGRADED", "degraded: see its shortfalls"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="plans")
    delivery_date = models.DateField()
    version = models.PositiveIntegerField(default=1)
    forecast_run_id = models.BigIntegerField(null=True, blank=True, help_text="forecast the baselines came from")
    award_ids = ArrayField(models.BigIntegerField(), default=list, help_text="awards the plan fulfils")
    baseline_kw = _day_array("sum of the devices' undispatched power")
    committed_up_kw = _day_array("net position of all awards, up positive")
    target_kw = _day_array("sum of the devices' targets")
    residual_kw = _day_array("committed but not placed on any device, up positive")
    least_stored_kwh = _day_array("content all batteries together must have at the end of each interval")
    most_stored_kwh = _day_array("content they may have at most, to take what is bought later")
    state = models.CharField(max_length=8, choices=State)
    created_at = models.DateTimeField()

    objects = OfPortfolioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "delivery_date", "version"], name="plan_once_a_version")
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.delivery_date} v{self.version}"


class PlanDevice(models.Model):
    """One device's part of a plan."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="devices")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    baseline_kw = _day_array("expected undispatched power")
    target_kw = _day_array("planned power")

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "device"], name="plan_device_once")]

    def __str__(self) -> str:
        return f"{self.device_id} in plan {self.plan_id}"


class ControlCycle(models.Model):
    """One pass of the control loop: revision 0 at the interval's start, later ones after an event inside it."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="control_cycles")
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="cycles")
    interval_start = models.DateTimeField()
    revision = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField()
    committed_up_kw = models.FloatField(help_text="net of all awards and activations in this interval, up positive")
    placed_up_kw = models.FloatField(help_text="what the setpoints in force add up to")
    residual_up_kw = models.FloatField()
    written = models.PositiveIntegerField(help_text="setpoints that changed and were written")
    unavailable = models.PositiveIntegerField(help_text="devices that could not be used")
    detail = models.JSONField(default=dict, blank=True)

    objects = OfPortfolioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "interval_start", "revision"], name="control_cycle_once")
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.interval_start:%Y-%m-%dT%H:%MZ} r{self.revision}"


class Shortfall(models.Model):
    """Committed power that could not be placed or was not delivered: where, when, what limited it, how much."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="shortfalls", db_index=False)
    cycle = models.ForeignKey(ControlCycle, null=True, blank=True, on_delete=models.PROTECT, related_name="shortfalls")
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="shortfalls")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    interval_start = models.DateTimeField()
    limit = models.CharField(max_length=16, help_text="name of the limit, as in dispatch.kernels.headroom.Limit")
    shortfall_kw = models.FloatField(help_text="up positive")
    shortfall_kvar = models.FloatField(default=0.0, help_text="of reactive power, injection positive")
    reason = models.CharField(max_length=200)

    objects = OfPortfolioQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["portfolio", "interval_start"], name="shortfalls_of_a_day")]
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__isnull=False) | Q(cycle__isnull=False), name="shortfall_names_its_source"
            )
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.interval_start:%Y-%m-%dT%H:%MZ} {self.limit} {self.shortfall_kw:.1f} kW"
