"""Devices sold together, and the tests that let them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q

from vpp.enrollment.models.devices import Device
from vpp.enrollment.models.periods import PeriodQuerySet, one_at_a_time

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class PortfolioQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Portfolios are the aggregator's own business."""
        return self if principal.sees_all else self.none()


class Portfolio(models.Model):
    """Devices sold together as one market resource, within one zone or one feeder."""

    code = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    zone_code = models.CharField(max_length=40)
    feeder_code = models.CharField(max_length=80, blank=True, help_text="empty: anywhere in the zone")
    time_zone = models.CharField(max_length=64)
    min_kw = models.FloatField(default=100.0, help_text="smallest flexible power the market admits")

    objects = PortfolioQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(min_kw__gt=0), name="portfolio_minimum_positive")]

    def __str__(self) -> str:
        return self.code


class Enrollment(models.Model):
    """A device's membership of one portfolio for a half-open period."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="enrollments")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="enrollments")
    period = DateTimeRangeField(help_text="UTC; no end means until further notice")

    objects = PeriodQuerySet.as_manager()

    class Meta:
        constraints = [one_at_a_time(name="enrollment_one_portfolio_at_a_time", column="device_id")]

    def __str__(self) -> str:
        return f"{self.device_id} in {self.portfolio_id} {self.period}"


class Prequalification(models.Model):
    """A device's test: it was asked for a change of power over a window, and its readings tell what it did."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="prequalifications")
    window_start = models.DateTimeField()
    window_minutes = models.PositiveSmallIntegerField()
    asked_up_kw = models.FloatField(help_text="up positive: less consumption or more production")
    delivered_up_kw = models.FloatField(help_text="mean before the window less mean inside it")
    passed = models.BooleanField()
    judged_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "window_start"], name="prequalification_once_a_window"),
            models.CheckConstraint(condition=Q(window_minutes__gt=0), name="prequalification_window_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.window_start:%Y-%m-%d %H:%MZ}: {'passed' if self.passed else 'failed'}"
