"""Readings and what is made of them.

Open days are rows (`Reading`, `Rollup15`, one partition a UTC day, kept by `telemetry_ensure_day`). Closed days are one
row of packed columns a device and day (`ReadingDay`, `RollupDay`), in little-endian bytes that numpy reads as they are.
A row of an open-day table wins over the same instant or bucket in a closed day, so late data needs no rewriting.

None of these tables is ever read or written through one object a row: `storage/` copies whole arrays. The foreign keys
have no database constraint because a check a row would cost more than the write; `ingest` resolves every device first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from vpp.enrollment.models import Device

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class OfDeviceQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; for an owner those of their own devices."""
        if principal.sees_all:
            return self
        return self.filter(device__in=Device.objects.visible_to(principal))


def device_key() -> models.ForeignKey:
    return models.ForeignKey(Device, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")


class ReadingValues(models.Model):
    """What a meter or device reported for one instant. Consumption is positive, production negative."""

    power_kw = models.FloatField(help_text="mean power of the interval that starts at ts")
    energy_kwh = models.FloatField(null=True)
    soc_kwh = models.FloatField(null=True, help_text="energy content of a storage")
    voltage_pu = models.FloatField(null=True)
    quality = models.SmallIntegerField(default=0, help_text="bits of telemetry.kernels.quality.Quality; 0 is good")

    class Meta:
        abstract = True


class Reading(ReadingValues):
    """One device at one instant, as first received. Partitioned by UTC day; time first is cheapest to write."""

    pk = models.CompositePrimaryKey("ts", "device_id")
    ts = models.DateTimeField()
    available_at = models.DateTimeField(help_text="when it was stored")
    device = device_key()

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        db_table = "telemetry_reading"

    def __str__(self) -> str:
        return f"{self.device_id} at {self.ts:%Y-%m-%dT%H:%MZ}"


class ReadingCorrection(ReadingValues):
    """A later version of a reading; the one with the latest `available_at` holds."""

    pk = models.CompositePrimaryKey("ts", "device_id", "available_at")
    ts = models.DateTimeField()
    available_at = models.DateTimeField()
    device = device_key()

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        db_table = "telemetry_readingcorrection"

    def __str__(self) -> str:
        return f"{self.device_id} at {self.ts:%Y-%m-%dT%H:%MZ}, corrected {self.available_at:%Y-%m-%dT%H:%MZ}"


class Latest(ReadingValues):
    """The newest reading of each device; written in the transaction that stores the reading."""

    device = models.OneToOneField(
        Device, primary_key=True, on_delete=models.PROTECT, db_constraint=False, related_name="latest_reading"
    )
    ts = models.DateTimeField()
    available_at = models.DateTimeField()

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "latest readings"

    def __str__(self) -> str:
        return f"{self.device_id} at {self.ts:%Y-%m-%dT%H:%MZ}"


class Rollup15(models.Model):
    """A quarter hour of a device. `energy_kwh` is its mean power times a quarter hour."""

    pk = models.CompositePrimaryKey("bucket", "device_id")
    bucket = models.DateTimeField(help_text="start of the quarter hour")
    first_available_at = models.DateTimeField(help_text="before this moment nothing of the bucket was known")
    available_at = models.DateTimeField(help_text="from this moment on the bucket reads as it stands here")
    device = device_key()
    energy_kwh = models.FloatField()
    min_kw = models.FloatField()
    max_kw = models.FloatField()
    count = models.IntegerField()
    quality = models.SmallIntegerField(default=0)

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        db_table = "telemetry_rollup15"

    def __str__(self) -> str:
        return f"{self.device_id} from {self.bucket:%Y-%m-%dT%H:%MZ}"


class ReadingDay(models.Model):
    """The readings of a device on one closed UTC day as packed columns, ordered by time.

    Column bytes: float64 values with NaN where not given; `offset_s` int32 seconds since the day's start, NULL when the
    readings are every 15 minutes from 00:00 to 23:45; `quality` int16; `available_us` int64 microseconds since 1970,
    NULL when all became available at `available_at`. A NULL column holds no value (quality: all good).
    """

    pk = models.CompositePrimaryKey("day", "device_id")
    day = models.DateField()
    device = device_key()
    count = models.IntegerField()
    first_available_at = models.DateTimeField()
    available_at = models.DateTimeField()
    checksum = models.BigIntegerField(help_text="CRC-32 over the columns in the order of this table")
    offset_s = models.BinaryField(null=True)
    power_kw = models.BinaryField()
    energy_kwh = models.BinaryField(null=True)
    soc_kwh = models.BinaryField(null=True)
    voltage_pu = models.BinaryField(null=True)
    quality = models.BinaryField(null=True)
    available_us = models.BinaryField(null=True)

    objects = OfDeviceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.device_id} on {self.day}"


class RollupDay(models.Model):
    """The 96 quarter hours of a device on one closed UTC day; NaN energy where there was no reading.

    `min_kw` and `max_kw` are NULL when every bucket holds at most one reading, `count` (int16) likewise.
    """

    pk = models.CompositePrimaryKey("day", "device_id")
    day = models.DateField()
    device = device_key()
    first_available_at = models.DateTimeField()
    available_at = models.DateTimeField()
    energy_kwh = models.BinaryField()
    min_kw = models.BinaryField(null=True)
    max_kw = models.BinaryField(null=True)
    count = models.BinaryField(null=True)
    quality = models.BinaryField(null=True)
    available_us = models.BinaryField(null=True)

    objects = OfDeviceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.device_id} on {self.day}"


class MeteredDevice(Device):
    """A device as support looks at it: with its readings. Tables with a key of several columns have no admin page."""

    class Meta:
        proxy = True
        verbose_name = "readings of a device"
        verbose_name_plural = "readings by device"
