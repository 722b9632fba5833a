"""Where the grid is: substations, feeders and their nodes, and who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from vpp.accounts.models import Participant

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class Phases(models.TextChoices):
    """The phases that are there; calculations take the grid as balanced."""

    A = "A"
    B = "B"
    C = "C"
    AB = "AB"
    AC = "AC"
    BC = "BC"
    ABC = "ABC"


class NetworkQuerySet(models.QuerySet):
    """Rows that belong to one utility; ``utility_path`` leads to it."""

    utility_path = "utility"

    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator, its own for a utility, nothing for owners and markets."""
        if principal.sees_all:
            return self
        participant = principal.participant
        if participant is None or participant.kind != Participant.Kind.UTILITY:
            return self.none()
        return self.filter(**{self.utility_path: participant})


class ElementQuerySet(NetworkQuerySet):
    utility_path = "feeder__utility"


class Substation(models.Model):
    """A place where feeders start."""

    code = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200, blank=True)
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="substations")

    objects = NetworkQuerySet.as_manager()

    def __str__(self) -> str:
        return self.code


class Feeder(models.Model):
    """A part of the grid that is studied as one piece; sites name it by its code."""

    code = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200, blank=True)
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="feeders")
    substation = models.ForeignKey(Substation, on_delete=models.PROTECT, related_name="feeders")
    power_factor = models.FloatField(default=0.95, help_text="of consumption for which only kW is known (lagging)")

    objects = NetworkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(power_factor__gt=0, power_factor__lte=1), name="feeder_power_factor_above_0_up_to_1"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Node(models.Model):
    """A busbar, cable cabinet or connection point, with the band its voltage must keep."""

    code = models.CharField(max_length=120, unique=True)
    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="nodes")
    nominal_kv = models.FloatField(help_text="line to line")
    v_min_pu = models.FloatField(default=0.9)
    v_max_pu = models.FloatField(default=1.1)
    phases = models.CharField(max_length=3, choices=Phases, default=Phases.ABC)
    latitude_deg = models.FloatField(null=True, blank=True, help_text="north positive; empty: not known")
    longitude_deg = models.FloatField(null=True, blank=True, help_text="east positive")

    objects = ElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(nominal_kv__gt=0), name="node_voltage_positive"),
            models.CheckConstraint(
                condition=Q(v_min_pu__gt=0) & Q(v_max_pu__gt=F("v_min_pu")), name="node_voltage_band_in_order"
            ),
            models.CheckConstraint(
                condition=Q(latitude_deg__isnull=True, longitude_deg__isnull=True)
                | Q(latitude_deg__isnull=False, longitude_deg__isnull=False)
                & Q(latitude_deg__range=(-90, 90), longitude_deg__range=(-180, 180)),
                name="node_position_on_earth",
            ),
        ]

    def __str__(self) -> str:
        return self.code
