"""What meters' registers showed, for senders that report counters instead of power."""

from __future__ import annotations

from django.db import models

from telemetry.models.readings import OfDeviceQuerySet, device_key


class RegisterShowing(models.Model):
    """A meter's counter at one instant. The energy to the device's next showing makes a `Reading`."""

    pk = models.CompositePrimaryKey("device_id", "ts")
    device = device_key()
    ts = models.DateTimeField()
    register_kwh = models.FloatField(help_text="negative where it counts production")
    available_at = models.DateTimeField()

    objects = OfDeviceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.device_id} showed {self.register_kwh} kWh at {self.ts:%Y-%m-%dT%H:%MZ}"
