"""The rules of settlement as dated data: baseline methods, which device uses which, holidays, payment terms."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q

from vpp.enrollment.models import Device


class DatedQuerySet(models.QuerySet):
    """Rows that hold from `valid_from` until a younger row takes over."""

    def in_force(self, day: date) -> Self:
        return self.filter(valid_from__lte=day).order_by("-valid_from")


class BaselineProfile(models.Model):
    """A version of a baseline method; a settled run names the version it used."""

    class Method(models.TextChoices):
        X_OF_Y = "x_of_y", "day matching"
        MBMA = "mbma", "meter before, meter after"
        SCHEDULE = "schedule", "constant schedule"
        NOMINATION = "nomination", "nominated before the gate"
        WINDOW_MEAN = "window_mean", "mean of windows of the same day"
        CONTROL_GROUP = "control_group", "similar sites without dispatch"
        MGO = "mgo", "meter generator output"
        REGRESSION = "regression", "hourly regression"
        BOOSTING = "boosting", "gradient boosting, a challenger"
        D_PROGNOSIS = "d_prognosis", "schedule sent ahead (UFTP)"

    name = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    valid_from = models.DateField()
    method = models.CharField(max_length=24, choices=Method)
    parameters = models.JSONField(default=dict, help_text="the fields of settlement.kernels.profiles")
    source = models.TextField(blank=True, help_text="rulebook and clause")

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="baseline_profile_version_once")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class DeviceMethod(models.Model):
    """Which baseline a kind of device is settled by; an empty profile name leaves it to the device's site."""

    kind = models.CharField(max_length=16, choices=Device.Kind)
    valid_from = models.DateField()
    profile_name = models.CharField(max_length=40, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "valid_from"], name="device_method_once_a_date")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.profile_name or 'as its site'}"


class Holiday(models.Model):
    """An observed holiday of a market zone; decides day types."""

    zone_code = models.CharField(max_length=40)
    date = models.DateField()
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["zone_code", "date"], name="holiday_once_a_zone")]

    def __str__(self) -> str:
        return f"{self.zone_code} {self.date} {self.name}"


class PaymentRule(models.Model):
    """How a kind of product is paid from a date on."""

    product_kind = models.CharField(max_length=16, help_text="ENERGY, RESERVE_UP, RESERVE_DOWN or ASK")
    valid_from = models.DateField()
    imbalance_spread_pu = models.DecimalField(
        max_digits=6, decimal_places=4, default=0, help_text="imbalance price = price -/+ this share of its size"
    )
    penalty_pu = models.DecimalField(
        max_digits=6, decimal_places=4, default=0, help_text="price of a deficiency as a share of the award's price"
    )
    performance_band = models.JSONField(
        default=list, help_text="[delivered share, factor] points in rising order; a repeated share is a step"
    )

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product_kind", "valid_from"], name="payment_rule_once_a_date"),
            models.CheckConstraint(
                condition=Q(imbalance_spread_pu__gte=0) & Q(penalty_pu__gte=0), name="payment_rule_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_kind} from {self.valid_from}"


class ComponentRule(models.Model):
    """A version of a market-side component: regulation score, rescission, capacity factor, imbalance and the like."""

    kind = models.CharField(max_length=32, help_text="a name of settlement.kernels.components.question.COMPONENTS")
    version = models.PositiveIntegerField(default=1)
    valid_from = models.DateField()
    parameters = models.JSONField(default=dict)
    source = models.TextField(blank=True, help_text="rulebook and clause")

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "version"], name="component_rule_version_once")]

    def __str__(self) -> str:
        return f"{self.kind} v{self.version}"


class ResettlementStep(models.Model):
    """When a market settles a day again: an offset from the delivery day."""

    class Unit(models.TextChoices):
        BUSINESS_DAYS = "BUSINESS_DAYS", "business days"
        DAYS = "DAYS", "days"
        MONTHS = "MONTHS", "months"

    market_code = models.CharField(max_length=40)
    name = models.CharField(max_length=20)
    offset = models.PositiveIntegerField()
    unit = models.CharField(max_length=13, choices=Unit)
    disputable = models.BooleanField(default=True)
    valid_from = models.DateField()
    source = models.TextField(blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market_code", "name", "valid_from"], name="resettlement_step_once"),
        ]

    def __str__(self) -> str:
        return f"{self.market_code} {self.name}"
