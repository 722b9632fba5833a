"""What counts first when not everything can be done: the dated order, and a grid operator's orders in an emergency."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import Q

from vpp.dispatch.models.plans import OfPortfolioQuerySet
from vpp.enrollment.models import Portfolio, one_at_a_time


class Claim(models.TextChoices):
    SAFETY_AND_OWNER = "SAFETY_AND_OWNER", "safety, and the owner who opts out"
    GRID_EMERGENCY = "GRID_EMERGENCY", "a grid operator's order in an emergency"
    COMMIT = "COMMIT", "commit on an ask"
    MARKET = "MARKET", "award of a market"


class DispatchPriority(models.Model):
    """The order of claims from `valid_from` on, until a later row. The first is always safety and the owner."""

    valid_from = models.DateTimeField(unique=True)
    order = ArrayField(models.CharField(max_length=16, choices=Claim), help_text="all claims, the most important first")

    class Meta:
        verbose_name_plural = "dispatch priorities"
        constraints = [
            models.CheckConstraint(
                condition=Q(order__0=Claim.SAFETY_AND_OWNER)
                & Q(order__contains=Claim.values)
                & Q(order__len=len(Claim.values)),
                name="priority_safety_first_each_once",
            )
        ]

    def __str__(self) -> str:
        return f"from {self.valid_from:%Y-%m-%d}: {', '.join(self.order)}"

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """The order that holds at `moment`: that of the claims' own list where none is dated so early."""
        found = cls.objects.filter(valid_from__lte=moment).order_by("-valid_from").first()
        return found or cls(valid_from=moment, order=list(Claim.values))

    def before(self, claim: str, other: str) -> bool:
        return self.order.index(claim) < self.order.index(other)


class GridEmergency(models.Model):
    """A grid operator's order: what the portfolio gives in net, in place of the claims that count less."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="grid_emergencies", db_index=False)
    period = DateTimeRangeField(help_text="UTC")
    up_kw = models.FloatField(help_text="net power wanted, up positive (less consumption)")
    ordered_by = models.CharField(max_length=120)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    objects = OfPortfolioQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "grid emergencies"
        constraints = [
            one_at_a_time(name="grid_emergency_one_at_a_time", column="portfolio_id"),
            models.CheckConstraint(
                condition=Q(period__startswith__isnull=False) & Q(period__endswith__isnull=False),
                name="grid_emergency_begins_and_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.period}: {self.up_kw:+.1f} kW by {self.ordered_by}"
