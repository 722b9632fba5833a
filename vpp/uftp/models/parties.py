"""The address book: who we trade messages with, and both sides' signing keys."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from vpp.accounts.models import Participant


class Counterparty(models.Model):
    """A line of the address book: who may send to us in which role, and where our messages go."""

    class Role(models.TextChoices):
        DSO = "DSO", "distribution system operator"
        CRO = "CRO", "common reference operator"

    domain = models.CharField(max_length=200)
    role = models.CharField(max_length=3, choices=Role, default=Role.DSO)
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="counterparties")
    endpoint = models.URLField(max_length=400)
    version = models.CharField(max_length=12, default="3.1.0", help_text="of messages that answer none")
    barred = models.BooleanField(default=False)
    oauth_url = models.URLField(max_length=400, blank=True, help_text="where a bearer token for its endpoint is had")
    oauth_client_id = models.CharField(max_length=200, blank=True)
    oauth_secret_sealed = models.TextField(blank=True, help_text="encrypted under the service's key")
    eans = models.JSONField(default=dict, blank=True, help_text="congestion point: EAN to send Metering under")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "counterparties"
        constraints = [models.UniqueConstraint(fields=["domain", "role"], name="counterparty_once_a_role")]

    def __str__(self) -> str:
        return f"{self.domain} {self.role}"


class KeyQuerySet(models.QuerySet):
    def valid_at(self, moment: datetime) -> Self:
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=moment), valid_from__lte=moment)


class CounterpartyKey(models.Model):
    """A public signing key; while keys are changed two are valid."""

    counterparty = models.ForeignKey(Counterparty, on_delete=models.PROTECT, related_name="keys")
    public_key = models.CharField(max_length=60, help_text="Ed25519, 32 bytes in base64")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)

    objects = KeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["counterparty", "public_key"], name="counterparty_key_once"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")), name="key_period_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.counterparty_id} {self.public_key[:12]}"


class OwnKey(models.Model):
    """Our signing keys; the newest signs, the older ones are kept for the record."""

    public_key = models.CharField(max_length=60, unique=True)
    private_key_sealed = models.TextField(help_text="encrypted under the service's key")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.public_key
