"""What is still to be done with stored readings, and the version of the fleet that the ways in may remember."""

from __future__ import annotations

from django.db import models

from telemetry.models.readings import OfDeviceQuerySet, device_key


class Arrival(models.Model):
    """The new readings of one message, whose latest values and rollup are still to be brought up (`digest`).

    Written in the transaction that stores the readings, and deleted in the one that digests it; queries look here
    first, so that what was accepted is seen at once. Column bytes as in `ReadingDay`: int64 device ids and
    microseconds, float64 values, int16 quality; a NULL column holds no value (`time_us`: all at `first_at`; quality:
    all good).
    """

    available_at = models.DateTimeField()
    first_at = models.DateTimeField(help_text="the earliest reading's instant")
    last_at = models.DateTimeField()
    least_device = models.BigIntegerField()
    largest_device = models.BigIntegerField()
    count = models.IntegerField()
    device_id = models.BinaryField()
    time_us = models.BinaryField(null=True)
    power_kw = models.BinaryField()
    energy_kwh = models.BinaryField(null=True)
    soc_kwh = models.BinaryField(null=True)
    voltage_pu = models.BinaryField(null=True)
    quality = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"{self.count} readings known {self.available_at:%Y-%m-%dT%H:%M:%SZ}"


class TouchedBucket(models.Model):
    """A quarter hour that got readings after it was rolled up. Until it is rolled up anew, queries ask its readings."""

    pk = models.CompositePrimaryKey("bucket", "device_id")
    bucket = models.DateTimeField()
    device = device_key()

    objects = OfDeviceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.device_id} from {self.bucket:%Y-%m-%dT%H:%MZ}"


class FleetVersion(models.Model):
    """One row whose number changes, by triggers, with every device and site: what the ways in remember holds for it."""

    version = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.version)
