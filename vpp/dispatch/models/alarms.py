"""What staff must know now: a commitment that is not, or will not be, delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from bidding.models import Award
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class AlarmQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Alarms are the aggregator's own business."""
        return self if principal.sees_all else self.none()

    def open(self) -> Self:
        return self.filter(acknowledged_at__isnull=True)


class Alarm(models.Model):
    """One per portfolio, interval, commitment and kind; a repeat keeps the larger shortfall."""

    class Kind(models.TextChoices):
        EXPECTED_SHORTFALL = "EXPECTED_SHORTFALL", "will not be delivered as things stand"
        DEVIATION = "DEVIATION", "was not delivered"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="alarms", db_index=False)
    award = models.ForeignKey(Award, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    interval_start = models.DateTimeField()
    committed_up_kw = models.FloatField(help_text="of this commitment, up positive")
    short_kw = models.FloatField(help_text="missing of it")
    raised_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=200, blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "interval_start", "award", "kind"], name="alarm_once"),
            models.CheckConstraint(condition=Q(short_kw__gt=0), name="alarm_misses_something"),
        ]
        indexes = [
            # the list of open alarms
            models.Index(fields=["-raised_at"], condition=Q(acknowledged_at__isnull=True), name="alarms_open"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.interval_start:%Y-%m-%dT%H:%MZ} {self.kind} {self.short_kw:.1f} kW"
