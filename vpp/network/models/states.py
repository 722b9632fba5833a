"""What changes over time: switching states with versions, and the room that each node has."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from vpp.network.models.places import ElementQuerySet, Feeder


class TopologyVersion(models.Model):
    """The state of a feeder's switches from a moment on. Version 1 is the feeder as it was imported; every import that
    changes elements and every switching makes the next one. Append-only by trigger.

    switches : element code -> [from_closed, to_closed] where it differs from the element's own row; a transformer's
        two are equal.
    """

    class Cause(models.TextChoices):
        IMPORT = "IMPORT", "imported"
        SWITCHING = "SWITCHING", "switched"

    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="topology_versions")
    version = models.PositiveIntegerField()
    valid_from = models.DateTimeField()
    cause = models.CharField(max_length=9, choices=Cause)
    normal = models.BooleanField(default=True, help_text="no switch differs from the imported state")
    switches = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the elements at that moment")
    reason = models.TextField(blank=True)

    objects = ElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feeder", "version"], name="topology_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="topology_version_from_1"),
        ]
        indexes = [models.Index(fields=["feeder", "-valid_from"], name="topology_at_a_moment")]

    def __str__(self) -> str:
        return f"{self.feeder.code}@{self.version}"


class OperatingEnvelope(models.Model):
    """How much more each node of a feeder may consume or produce than forecast, all of them at once, without breaking a
    limit of the grid. One row per calculation; the newest known one counts.

    *_room_kw : one row of H values per node, in the order of node_codes, non-negative.
    """

    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="envelopes")
    delivery_date = models.DateField()
    time_zone = models.CharField(max_length=64)
    topology = models.ForeignKey(
        TopologyVersion, null=True, on_delete=models.PROTECT, related_name="+", help_text="of the day's last interval"
    )
    topology_versions = ArrayField(
        models.PositiveIntegerField(), default=list, help_text="of the switching states the day passes through"
    )
    available_at = models.DateTimeField()
    natural_key = models.CharField(max_length=200, unique=True, help_text="feeder, day, forecast and topology")
    node_codes = ArrayField(models.CharField(max_length=120))
    consume_room_kw = models.JSONField()
    produce_room_kw = models.JSONField()

    objects = ElementQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["feeder", "delivery_date", "-available_at"], name="envelope_of_a_day")]

    def __str__(self) -> str:
        return self.natural_key
