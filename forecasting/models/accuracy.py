"""How good the forecasts were, day by day, and the alarms of bands that no longer hold what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from vpp.enrollment.models import Device, Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class AccuracyQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """How well the aggregator forecasts is its own business."""
        return self if principal.sees_all else self.none()


class Accuracy(models.Model):
    """Scores of one series, or of a class of device series together, over one delivery day.

    Against what was measured, intervals in which the plant itself moved a device left out. All powers are means over
    the scored intervals (of a class: over its series as well). MAE is that of a device's median and of a sum's mean:
    what adds up is the mean, what misses one device least is the median. Naive is the same slot one week before, which
    as a forecast without a band has its own MAE as CRPS; challenger is the robust profile alone, the rung below.
    """

    class Scope(models.TextChoices):
        DEVICE = "DEVICE", "device"
        PORTFOLIO = "PORTFOLIO", "portfolio"
        FEEDER = "FEEDER", "net load of a feeder"
        CLASS = "CLASS", "all devices of a class"

    zone_code = models.CharField(max_length=40)
    delivery_date = models.DateField()
    day_type = models.PositiveSmallIntegerField(help_text="0 working day, 1 Saturday, 2 Sunday or holiday")
    scope = models.CharField(max_length=10, choices=Scope)
    class_name = models.CharField(max_length=20, help_text="class of series; portfolio or feeder for sums")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    feeder_code = models.CharField(max_length=80, blank=True)
    series = models.PositiveIntegerField(default=1, help_text="scored series")
    intervals = models.PositiveIntegerField(help_text="scored intervals of all series together")
    mae_kw = models.FloatField()
    naive_mae_kw = models.FloatField(null=True, blank=True)
    challenger_mae_kw = models.FloatField(null=True, blank=True)
    pinball_kw = models.FloatField(null=True, blank=True, help_text="mean over the stored quantile levels")
    crps_kw = models.FloatField(null=True, blank=True, help_text="twice the mean pinball loss")
    coverage = models.FloatField(null=True, blank=True, help_text="share of intervals inside the 80 % band")
    rungs = models.JSONField(default=dict, help_text="series served by each rung of the ladder")
    available_at = models.DateTimeField()

    objects = AccuracyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "accuracies"
        constraints = [
            models.UniqueConstraint(
                fields=["zone_code", "delivery_date", "scope", "class_name", "device", "portfolio", "feeder_code"],
                nulls_distinct=False,
                name="accuracy_one_a_series_and_day",
            ),
            models.CheckConstraint(
                condition=Q(coverage__isnull=True) | Q(coverage__gte=0, coverage__lte=1),
                name="accuracy_coverage_in_0_1",
            ),
        ]
        indexes = [
            # accuracy_board: rows of a scope over the last days
            models.Index(fields=["scope", "delivery_date"], name="accuracy_of_a_scope"),
        ]

    def __str__(self) -> str:
        subject = self.device_id or self.portfolio_id or self.feeder_code or "all"
        return f"{self.class_name} {subject} on {self.delivery_date}"


class DriftAlarm(models.Model):
    """The 80 % band of a class covered less than 0.70 or more than 0.90 over seven days; open until it is back."""

    zone_code = models.CharField(max_length=40)
    class_name = models.CharField(max_length=20)
    begin_date = models.DateField()
    end_date = models.DateField(null=True, blank=True, help_text="the day on which the coverage was back")
    coverage = models.FloatField(help_text="over seven days, when it was last looked at")

    objects = AccuracyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone_code", "class_name"],
                condition=Q(end_date__isnull=True),
                name="drift_alarm_open_once",
            ),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gte=F("begin_date")),
                name="drift_alarm_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.class_name} in {self.zone_code} since {self.begin_date}"
