"""What a settlement run found. Every row is written once, with its run; triggers refuse any later change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from vpp.accounts.models import Participant
from vpp.enrollment.models import Device, Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


def _power_per_interval() -> ArrayField:
    return ArrayField(models.FloatField(null=True), help_text="kW per interval of the delivery day; null = no value")


class SettlementRunQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Runs are the aggregator's own business."""
        return self if principal.sees_all else self.none()

    def newest(self) -> Self:
        """Only the highest version of each portfolio and day."""
        younger = SettlementRun.objects.filter(
            portfolio=models.OuterRef("portfolio"),
            delivery_date=models.OuterRef("delivery_date"),
            version__gt=models.OuterRef("version"),
        )
        return self.filter(~models.Exists(younger))


class SettlementRun(models.Model):
    """One settled delivery day of a portfolio, as known at `as_of`. Version 2 and on restate."""

    class State(models.TextChoices):
        OK = "OK", "complete"
        DEGRADED = "DEGRADED", "settled with findings"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="settlement_runs")
    delivery_date = models.DateField()
    version = models.PositiveIntegerField()
    as_of = models.DateTimeField(help_text="only what was available then was used")
    state = models.CharField(max_length=8, choices=State)
    currency = models.CharField(max_length=3)
    revenue = models.DecimalField(max_digits=14, decimal_places=2, help_text="before penalties")
    penalty = models.DecimalField(max_digits=14, decimal_places=2)
    payouts = models.DecimalField(max_digits=14, decimal_places=2)
    fees = models.DecimalField(max_digits=14, decimal_places=2)
    margin = models.DecimalField(max_digits=14, decimal_places=2)
    findings = models.JSONField(default=list, help_text="what could not be settled as it should, and why")
    rules = models.JSONField(default=dict, help_text="profile versions and payment rules that were used")
    checksum = models.CharField(max_length=64, help_text="SHA-256 over the whole result; a rerun gives the same")

    objects = SettlementRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["portfolio", "delivery_date", "version"], name="settlement_run_once_a_version"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="settlement_run_version_from_1"),
            models.CheckConstraint(
                condition=Q(revenue=models.F("payouts") + models.F("fees") + models.F("margin")),
                name="settlement_run_keeps_every_cent",
            ),
        ]
        indexes = [models.Index(fields=["delivery_date"], name="settlement_runs_of_a_day")]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.delivery_date} v{self.version}"


class ReferenceDay(models.Model):
    """A local date whose readings had a say in a run: what a correction of that date may change."""

    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="reference_days")
    date = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "date"], name="reference_day_once_a_run")]
        indexes = [models.Index(fields=["date"], name="runs_that_read_a_date")]

    def __str__(self) -> str:
        return f"{self.date} in run {self.run_id}"


class PerformanceQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; for a utility what was delivered on its own asks."""
        if principal.sees_all:
            return self
        participant = principal.participant
        if participant is None or participant.kind != Participant.Kind.UTILITY:
            return self.none()
        return self.filter(award__bid__ask__utility=participant)

    def newest(self) -> Self:
        return self.filter(run__in=SettlementRun.objects.newest())


class Performance(models.Model):
    """Delivered against committed for one award. Baseline and meter are those of the nominated devices together."""

    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="performances")
    award = models.ForeignKey("bidding.Award", on_delete=models.PROTECT, related_name="performances")
    product_kind = models.CharField(max_length=16)
    committed_kw = _power_per_interval()
    delivered_kw = _power_per_interval()
    baseline_kw = _power_per_interval()
    metered_kw = _power_per_interval()
    committed_kwh = models.DecimalField(max_digits=16, decimal_places=6)
    delivered_kwh = models.DecimalField(max_digits=16, decimal_places=6)
    share = models.FloatField(null=True, help_text="delivered of committed, each interval at most 110 %; null: no call")
    raw_share = models.FloatField(null=True, help_text="delivered of committed, uncapped")
    revenue = models.DecimalField(max_digits=14, decimal_places=2, help_text="before the penalty")
    penalty = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3)
    components = models.JSONField(default=dict, help_text="amounts that add up to the revenue, as decimal text")
    explanation = models.JSONField(default=dict)

    objects = PerformanceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "award"], name="performance_once_a_run")]

    def __str__(self) -> str:
        return f"award {self.award_id} in run {self.run_id}"


class DevicePerformance(models.Model):
    """One device's part in one award: the weight of its owner's share, and the readings it was taken from."""

    # the unique key answers what is asked by run and award; a row a device and award bears few indexes
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="device_performances", db_index=False)
    award = models.ForeignKey("bidding.Award", on_delete=models.PROTECT, related_name="+", db_index=False)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="settled_performances")
    profile = models.ForeignKey(
        "settlement.BaselineProfile", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    status = models.CharField(max_length=20, help_text="of the device's baseline")
    delivered_kwh = models.DecimalField(max_digits=16, decimal_places=6)
    available_kw = models.FloatField(null=True, help_text="its rating on that day, both ways together")
    weight = models.DecimalField(max_digits=16, decimal_places=6)
    credit = models.DecimalField(max_digits=14, decimal_places=2, help_text="its part of the award's revenue")
    reading_checksum = models.CharField(
        max_length=64, help_text="telemetry.queries.interval_checksum of the day, as of the run"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "award", "device"], name="device_performance_once_a_run"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="device_performance_weight_not_negative"),
        ]

    def __str__(self) -> str:
        return f"device {self.device_id}, award {self.award_id}, run {self.run_id}"
