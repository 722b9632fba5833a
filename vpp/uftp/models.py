"""Counterparties, their keys and ours, and every message in and out: what must not get lost is a row first."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
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


class InMessage(models.Model):
    """A message with a good seal and form, stored before it is answered with 200; a job then works on it."""

    class State(models.TextChoices):
        RECEIVED = "RECEIVED", "waiting"
        ACCEPTED = "ACCEPTED", "accepted"
        REJECTED = "REJECTED", "rejected"
        NOTED = "NOTED", "an answer to one of ours"

    counterparty = models.ForeignKey(Counterparty, on_delete=models.PROTECT, related_name="in_messages")
    message_id = models.UUIDField()
    conversation_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    version = models.CharField(max_length=12)
    xml = models.TextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the inner message")
    received_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.RECEIVED)
    reason = models.TextField(blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["counterparty", "message_id"], name="in_message_once"),
            models.CheckConstraint(
                condition=Q(state="RECEIVED") | Q(processed_at__isnull=False), name="in_message_done_has_a_moment"
            ),
        ]
        indexes = [models.Index(fields=["counterparty", "received_at"], name="in_messages_of_a_minute")]

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class OutMessage(models.Model):
    """A message of ours; it stands before the first try and is sent again for an hour while nobody takes it."""

    class State(models.TextChoices):
        PENDING = "PENDING", "to be sent"
        SENT = "SENT", "taken with 200"
        FAILED = "FAILED", "refused, or nobody took it for an hour"

    counterparty = models.ForeignKey(Counterparty, on_delete=models.PROTECT, related_name="out_messages")
    natural_key = models.CharField(max_length=200, unique=True)
    message_id = models.UUIDField(unique=True)
    conversation_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    xml = models.TextField()
    answers = models.ForeignKey(InMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="answers")
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    result = models.CharField(max_length=8, blank=True, help_text="the other side's answer: Accepted or Rejected")
    result_reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class RequestLink(models.Model):
    """Which ask a FlexRequest became; one that wants both directions became two."""

    message = models.ForeignKey(InMessage, on_delete=models.PROTECT, related_name="request_links")
    ask = models.OneToOneField("bidding.Ask", on_delete=models.PROTECT, related_name="uftp_request")
    least_kw = ArrayField(models.FloatField(), help_text="per interval the least that the deviation must be")

    def __str__(self) -> str:
        return f"{self.message_id} {self.ask_id}"


class Offer(models.Model):
    """The FlexOffer that carries a bid."""

    class State(models.TextChoices):
        SENT = "SENT", "not answered yet"
        ACCEPTED = "ACCEPTED", "accepted, which is no order"
        REJECTED = "REJECTED", "rejected"
        REVOKED = "REVOKED", "revoked by us"

    message = models.OneToOneField(OutMessage, on_delete=models.PROTECT, related_name="offer")
    bid = models.OneToOneField("bidding.Bid", on_delete=models.PROTECT, related_name="uftp_offer")
    unsolicited = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.SENT)

    def __str__(self) -> str:
        return f"{self.message_id} {self.state}"


class Order(models.Model):
    """The FlexOrder that became an award; its reference is the operator's own and comes back in the settlement."""

    message = models.OneToOneField(InMessage, on_delete=models.PROTECT, related_name="order")
    counterparty = models.ForeignKey(Counterparty, on_delete=models.PROTECT, related_name="orders")
    order_reference = models.CharField(max_length=200)
    award = models.OneToOneField("bidding.Award", on_delete=models.PROTECT, related_name="uftp_order")
    price = models.DecimalField(max_digits=14, decimal_places=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["counterparty", "order_reference"], name="uftp_order_once"),
        ]

    def __str__(self) -> str:
        return self.order_reference


class Prognosis(models.Model):
    """A D-Prognosis we sent for a congestion point and day; revisions go up."""

    message = models.OneToOneField(OutMessage, on_delete=models.PROTECT, related_name="prognosis")
    congestion_point = models.ForeignKey("network.CongestionPoint", on_delete=models.PROTECT, related_name="+")
    delivery_date = models.DateField()
    revision = models.PositiveIntegerField()
    order_statuses = models.JSONField(default=dict, help_text="order message id: whether they found it in ours")

    class Meta:
        verbose_name_plural = "prognoses"
        constraints = [
            models.UniqueConstraint(fields=["congestion_point", "delivery_date", "revision"], name="prognosis_once"),
        ]

    def __str__(self) -> str:
        return f"{self.congestion_point_id} {self.delivery_date} r{self.revision}"
