"""Jobs, schedule slots, idempotency keys: the truth about work is a row, whichever broker carries the message."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from vpp.accounts.models import ApiClient, Participant, User

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class JobQuerySet(models.QuerySet):
    def due(self, moment: datetime) -> Self:
        """Work that a relay may hand out at `moment`: pending ones, and leased ones whose lease ran out."""
        waiting = Q(state=Job.State.PENDING, run_after__lte=moment)
        abandoned = Q(state=Job.State.LEASED, lease_until__lte=moment)
        return self.filter(waiting | abandoned)


class Job(models.Model):
    """One piece of work. `natural_key` makes a repeat find the first row."""

    class State(models.TextChoices):
        PENDING = "PENDING", "pending"
        LEASED = "LEASED", "handed out"
        DONE = "DONE", "done"
        FAILED = "FAILED", "failed as expected"
        DEAD = "DEAD", "given up"

    kind = models.CharField(max_length=80)
    natural_key = models.CharField(max_length=200, unique=True)
    payload = models.JSONField(default=dict)
    queue = models.CharField(max_length=40, default="default")
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    run_after = models.DateTimeField()
    deadline = models.DateTimeField(null=True, blank=True, help_text="after this the job is given up, not retried")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=120, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="LEASED") | Q(lease_until__isnull=False), name="job_lease_has_an_end"
            ),
        ]
        indexes = [
            # JobQuerySet.due, once a second by every relay
            models.Index(fields=["run_after"], name="jobs_pending", condition=Q(state="PENDING")),
            models.Index(fields=["lease_until"], name="jobs_leased", condition=Q(state="LEASED")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.natural_key}"


class ScheduleSlot(models.Model):
    """A due moment of a scheduled job that has been turned into a job; its key makes the tick happen once."""

    schedule = models.CharField(max_length=80)
    due_at = models.DateTimeField()
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="slots")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "due_at"], name="schedule_slot_once")]

    def __str__(self) -> str:
        return f"{self.schedule} {self.due_at:%Y-%m-%d %H:%M}"


class IdempotencyKey(models.Model):
    """The first answer to a write request, kept for its repeats. One of client and user is set."""

    client = models.ForeignKey(ApiClient, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "key"], name="idempotency_key_once_a_client"),
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_a_user"),
            models.CheckConstraint(
                condition=Q(client__isnull=False, user__isnull=True) | Q(client__isnull=True, user__isnull=False),
                name="idempotency_key_has_one_principal",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class WebhookQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator, its own for everybody else."""
        return self if principal.sees_all else self.filter(participant=principal.participant)


class Webhook(models.Model):
    """Where a participant wants to be told of events. Its secret is derived from the service's key, not stored."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="webhooks")
    url = models.URLField(max_length=400)
    events = ArrayField(models.CharField(max_length=40), default=list, blank=True, help_text="empty: every event")
    active = models.BooleanField(default=True)
    generation = models.PositiveIntegerField(default=1, help_text="goes up when the secret is changed")
    created_at = models.DateTimeField()

    objects = WebhookQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["participant", "url"], name="webhook_url_once_a_participant"),
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.url}"


class WebhookDelivery(models.Model):
    """One event for one webhook; its row stands before the first try, so a down receiver misses nothing."""

    class State(models.TextChoices):
        PENDING = "PENDING", "to be delivered"
        DELIVERED = "DELIVERED", "delivered"
        REFUSED = "REFUSED", "refused by the receiver"

    webhook = models.ForeignKey(Webhook, on_delete=models.PROTECT, related_name="deliveries")
    delivery_id = models.UUIDField(unique=True)
    event = models.CharField(max_length=40)
    body = models.JSONField()
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField(max_length=200, blank=True, help_text="of the last try")
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"
