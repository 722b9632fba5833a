"""Asks of utilities: what is wanted where and when, and each step of an ask's life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from bidding.wholesale.models import Direction
from vpp.accounts.models import Participant
from vpp.network.models import CongestionPoint

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class AskQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator, its own for a utility."""
        if principal.sees_all:
            return self
        participant = principal.participant
        if participant is None or participant.kind != Participant.Kind.UTILITY:
            return self.none()
        return self.filter(utility=participant)

    def open_for_bids(self) -> Self:
        return self.filter(state=Ask.State.ASKED)


class Ask(models.Model):
    """A utility's request for a change of power behind a congestion point, relative to the baseline."""

    class State(models.TextChoices):
        ASKED = "ASKED", "asked"
        BID = "BID", "bid made"
        NO_BID = "NO_BID", "no bid"
        COMMITTED = "COMMITTED", "committed"
        REJECTED = "REJECTED", "bid rejected"
        EXPIRED = "EXPIRED", "expired"
        WITHDRAWN = "WITHDRAWN", "withdrawn"
        DELIVERED = "DELIVERED", "delivered"
        REPORTED = "REPORTED", "reported"

    #: Allowed steps; everything else is refused.
    STEPS = {
        State.ASKED: (State.BID, State.NO_BID, State.WITHDRAWN, State.EXPIRED),
        State.BID: (State.COMMITTED, State.REJECTED, State.EXPIRED, State.WITHDRAWN),
        State.COMMITTED: (State.DELIVERED,),
        State.DELIVERED: (State.REPORTED,),
    }

    reference = models.CharField(max_length=120, help_text="the utility's own")
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="asks")
    congestion_point = models.ForeignKey(CongestionPoint, on_delete=models.PROTECT, related_name="asks")
    direction = models.CharField(max_length=4, choices=Direction)
    delivery_date = models.DateField()
    time_zone = models.CharField(max_length=64)
    interval_minutes = models.PositiveSmallIntegerField()
    quantity_kw = ArrayField(models.FloatField(), help_text="one per interval of the day, 0 outside the window")
    ceiling_price_per_mwh = models.FloatField()
    gate_at = models.DateTimeField(help_text="a bid must be made before")
    expires_at = models.DateTimeField(help_text="an unaccepted bid ends then")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    created_at = models.DateTimeField()

    objects = AskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["utility", "reference"], name="ask_reference_once_a_utility"),
            models.CheckConstraint(condition=Q(gate_at__lte=models.F("expires_at")), name="ask_gate_before_expiry"),
            models.CheckConstraint(condition=Q(ceiling_price_per_mwh__gte=0), name="ask_ceiling_not_negative"),
        ]
        indexes = [models.Index(fields=["delivery_date", "state"], name="asks_of_a_day")]

    def __str__(self) -> str:
        return self.reference


class AskEvent(models.Model):
    """One step of an ask; append-only by trigger."""

    ask = models.ForeignKey(Ask, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=Ask.State)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.ask_id} {self.state}"
