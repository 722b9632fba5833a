"""Who sends, and what is wrong with what comes: rows with a begin and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from vpp.enrollment.models import Device, Site

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class Sender(models.Model):
    """A program that sends readings: an API client or an MQTT gateway; kept to about a minute."""

    name = models.CharField(max_length=250, unique=True)
    heard_at = models.DateTimeField()
    skewed_at = models.DateTimeField(null=True, help_text="when it last sent a reading from more than 5 minutes ahead")

    unagreed_at = models.DateTimeField(null=True, help_text="when it last sent a reading after consent was withdrawn")

    def __str__(self) -> str:
        return self.name


class AlarmQuerySet(models.QuerySet):
    def open(self) -> Self:
        return self.filter(end_at__isnull=True)

    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; for an owner those of their own sites and devices."""
        if principal.sees_all:
            return self
        devices, sites = Device.objects.visible_to(principal), Site.objects.visible_to(principal)
        return self.filter(Q(device__in=devices) | Q(site__in=sites))


class Alarm(models.Model):
    """Something was wrong from `begin_at` until `end_at`; open while that is null. One subject of the three is set."""

    class Kind(models.TextChoices):
        DEVICE_SILENT = "DEVICE_SILENT", "device silent"
        SITE_SILENT = "SITE_SILENT", "site silent"
        GATEWAY_SILENT = "GATEWAY_SILENT", "gateway silent"
        CLOCK_SKEW = "CLOCK_SKEW", "clock skew"
        QUALITY = "QUALITY", "quality below threshold"
        NO_CONSENT = "NO_CONSENT", "readings after consent was withdrawn"

    kind = models.CharField(max_length=16, choices=Kind)
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="alarms")
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="alarms")
    sender = models.ForeignKey(Sender, null=True, on_delete=models.PROTECT, related_name="alarms")
    begin_at = models.DateTimeField()
    end_at = models.DateTimeField(null=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "device", "site", "sender"],
                condition=Q(end_at__isnull=True),
                nulls_distinct=False,
                name="alarm_open_once",
            ),
            models.CheckConstraint(
                condition=Q(end_at__isnull=True) | Q(end_at__gte=F("begin_at")), name="alarm_ends_after_it_begins"
            ),
        ]
        indexes = [models.Index(fields=["-begin_at"], name="alarms_newest_first")]

    def __str__(self) -> str:
        subject = self.device or self.site or self.sender
        return f"{self.get_kind_display()}: {subject} since {self.begin_at:%Y-%m-%d %H:%MZ}"
