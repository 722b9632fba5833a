"""Markets as dated data, and the two directions of everything that is sold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from vpp.accounts.models import Participant

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class Direction(models.TextChoices):
    """Relative to the baseline: UP is less consumption or more production."""

    UP = "UP", "up (sell)"
    DOWN = "DOWN", "down (buy)"


class MarketQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; a market operator's own; the distribution markets for a utility."""
        if principal.sees_all:
            return self
        participant = principal.participant
        if participant is None:
            return self.none()
        if participant.kind == Participant.Kind.UTILITY:
            return self.filter(kind=Market.Kind.DISTRIBUTION)
        if participant.kind == Participant.Kind.MARKET:
            return self.filter(operator=participant)
        return self.none()


class Market(models.Model):
    """A venue: its zone, time unit and gate. The time zone decides the delivery day."""

    class Kind(models.TextChoices):
        WHOLESALE = "WHOLESALE", "wholesale"
        DISTRIBUTION = "DISTRIBUTION", "distribution (asks of utilities)"

    class Location(models.TextChoices):
        """Where the devices of one bid may stand."""

        ZONE = "ZONE", "anywhere in the zone"
        FEEDER = "FEEDER", "behind one feeder"
        NODE = "NODE", "at one pricing node"

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Kind)
    operator = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="operated_markets"
    )
    zone_code = models.CharField(max_length=40)
    time_zone = models.CharField(max_length=64)
    mtu_minutes = models.PositiveSmallIntegerField(help_text="market time unit")
    gate_days_before = models.PositiveSmallIntegerField(default=1)
    gate_local_time = models.TimeField(help_text="wall clock of the market's zone")
    imbalance_spread_per_mwh = models.FloatField(
        default=40.0, help_text="expected cost of deviating from the position, on top of the energy price"
    )
    currency = models.CharField(max_length=3, default="EUR")
    gate_calendar = models.CharField(
        max_length=20, blank=True, help_text='country of the holidays, as "DE" or "US-CA"; empty: the gate is every day'
    )
    gate_on_working_days = models.BooleanField(
        default=False, help_text="the gate of a day after weekend or holiday lies on the working day before"
    )
    locational_rule = models.CharField(max_length=8, choices=Location, default=Location.ZONE)
    facts = models.JSONField(default=dict, blank=True, help_text="field: {status: read or recalled, source}")

    objects = MarketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(mtu_minutes__in=[5, 10, 15, 30, 60]), name="market_mtu_divides_an_hour"),
            models.CheckConstraint(condition=Q(imbalance_spread_per_mwh__gt=0), name="market_spread_positive"),
        ]

    def __str__(self) -> str:
        return self.code
