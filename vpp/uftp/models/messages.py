"""Every message in and out."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from vpp.uftp.models.parties import Counterparty


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
