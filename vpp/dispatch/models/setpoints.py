"""Setpoints, and how devices behave towards them."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from vpp.dispatch.kernels.life import STEPS
from vpp.dispatch.models.plans import ControlCycle
from vpp.dispatch.models.querysets import OfDeviceQuerySet, SetpointQuerySet
from vpp.enrollment.models import Device, Portfolio


class Setpoint(models.Model):
    """A device's target from `interval_start` until a newer setpoint or `expires_at`, when it falls back by itself."""

    class State(models.TextChoices):
        PLANNED = "PLANNED", "planned"
        SENT = "SENT", "sent"
        ACKNOWLEDGED = "ACKNOWLEDGED", "acknowledged"
        FOLLOWED = "FOLLOWED", "followed"
        MISSED = "MISSED", "missed"
        REFUSED = "REFUSED", "refused"
        EXPIRED = "EXPIRED", "expired unsent"
        SUPERSEDED = "SUPERSEDED", "superseded before it was judged"

    STEPS = STEPS

    # that these rows exist is checked a statement at a time (migration 0002): three checks a row took twice the COPY
    device = models.ForeignKey(
        Device, on_delete=models.PROTECT, related_name="setpoints", db_index=False, db_constraint=False
    )
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    cycle = models.ForeignKey(
        ControlCycle, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    interval_start = models.DateTimeField()
    sequence = models.PositiveSmallIntegerField(default=0, help_text="newer wins within the interval")
    target_kw = models.FloatField(help_text="consumption positive")
    target_kvar = models.FloatField(
        null=True,
        blank=True,
        help_text="reactive power, injection positive; empty: the device's own, whatever released says of kW",
    )
    baseline_kw = models.FloatField(help_text="expected power without this setpoint")
    released = models.BooleanField(default=False, help_text="the device returns to its own control")
    state = models.CharField(max_length=12, choices=State, default=State.PLANNED)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    measured_kw = models.FloatField(null=True, blank=True, help_text="what the judgement was made on")
    applied_kvar = models.FloatField(null=True, blank=True, help_text="what the device answered that it gives")
    reason = models.CharField(max_length=80, blank=True)

    objects = SetpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["interval_start", "device", "sequence"], name="setpoint_once"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("interval_start")), name="setpoint_expires_later"),
        ]
        # One index grows row by row, that of `setpoint_once`: it begins with the interval, as all bulk questions do.
        # Ids rise with the rows' places, so ranges of pages are enough to find them (migration 0002; ask `with_ids`).
        indexes = [BrinIndex(fields=["id"], autosummarize=True, pages_per_range=64, name="setpoint_by_id")]

    def __str__(self) -> str:
        return f"{self.device_id} {self.interval_start:%Y-%m-%dT%H:%MZ} #{self.sequence}: {self.target_kw:.3f} kW"


class DeviceStatus(models.Model):
    """How a device behaves towards setpoints. Not ONLINE: left out of dispatch until `retry_at`."""

    class State(models.TextChoices):
        ONLINE = "ONLINE", "online"
        SILENT = "SILENT", "silent"
        REFUSED = "REFUSED", "refused"
        DISOBEYED = "DISOBEYED", "disobeyed"

    device = models.OneToOneField(Device, primary_key=True, on_delete=models.PROTECT, related_name="dispatch_status")
    state = models.CharField(max_length=10, choices=State, default=State.ONLINE)
    since = models.DateTimeField(help_text="start of the first interval in this state")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="first interval in which it is tried again")
    failures = models.PositiveSmallIntegerField(default=0, help_text="in a row; lengthens the wait")

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "device states"

    def __str__(self) -> str:
        return f"{self.device_id} {self.state}"


class DeviceUse(models.Model):
    """How much a device was dispatched on a delivery day: what owner's limits and fair rotation are counted on."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+", db_index=False)
    delivery_date = models.DateField()
    moved_kwh = models.FloatField(default=0.0, help_text="energy moved away from the baseline, both ways")
    hours = models.FloatField(default=0.0)
    events = models.PositiveSmallIntegerField(default=0, help_text="runs of intervals without a gap")
    last_interval = models.DateTimeField(help_text="start of the last dispatched interval")

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery_date", "device"], name="device_use_once_a_day")]

    def __str__(self) -> str:
        return f"{self.device_id} {self.delivery_date}: {self.moved_kwh:.1f} kWh"
