"""How a device is reached: its gateway, and the charging stations that speak OCPP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from vpp.dispatch.models.querysets import OfDeviceQuerySet
from vpp.enrollment.models import Device

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class Link(models.Model):
    """Over which kind of gateway a device gets its setpoints. Without one: its own MQTT topics, or an HTTP poll."""

    class Protocol(models.TextChoices):
        MQTT = "MQTT", "MQTT, many devices on one pair of topics; address: the gateway's code"
        HTTP = "HTTP", "HTTP poll"
        OCPP = "OCPP", "OCPP; address: STATION/EVSE"
        SUNSPEC = "SUNSPEC", "SunSpec over Modbus TCP; address: HOST:PORT/UNIT"

    device = models.OneToOneField(Device, primary_key=True, on_delete=models.PROTECT, related_name="link")
    protocol = models.CharField(max_length=8, choices=Protocol)
    address = models.CharField(max_length=200, blank=True)

    objects = OfDeviceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["protocol", "address"], condition=Q(protocol__in=["OCPP", "SUNSPEC"]), name="link_to_one_device"
            ),
            models.CheckConstraint(condition=Q(protocol="HTTP") | ~Q(address=""), name="link_has_address"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} over {self.protocol} {self.address}".rstrip()


class OfAggregatorQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Stations are the aggregator's own business; owners see their devices."""
        return self if principal.sees_all else self.none()


class ChargingStation(models.Model):
    """A station that may connect over OCPP, and what it last said about itself."""

    code = models.CharField(max_length=48, unique=True, help_text="last part of the address it connects to")
    secret_hash = models.CharField(max_length=64, help_text="SHA-256 of its password of 160 drawn bits")
    protocol = models.CharField(max_length=12, blank=True, help_text="ocpp1.6 or ocpp2.0.1, as last connected")
    vendor = models.CharField(max_length=50, blank=True)
    model = models.CharField(max_length=50, blank=True)
    firmware = models.CharField(max_length=50, blank=True)
    booted_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    status = models.JSONField(default=dict, blank=True, help_text="by EVSE, as last reported")

    objects = OfAggregatorQuerySet.as_manager()

    def __str__(self) -> str:
        return self.code


class ChargingTransaction(models.Model):
    """One charging session as the station told it."""

    station = models.ForeignKey(ChargingStation, on_delete=models.PROTECT, related_name="transactions")
    evse = models.PositiveSmallIntegerField()
    reference = models.CharField(max_length=36, help_text="the station's own id (2.0.1); ours in words (1.6)")
    id_token = models.CharField(max_length=36, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    meter_start_kwh = models.FloatField(null=True, blank=True)
    meter_stop_kwh = models.FloatField(null=True, blank=True)
    stop_reason = models.CharField(max_length=40, blank=True)

    objects = OfAggregatorQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "reference"], name="charging_transaction_once"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="charging_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id}/{self.evse} {self.reference}"
