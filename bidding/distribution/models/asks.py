"""Asks of utilities: what is wanted where and when, and each step of an ask's life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from bidding.wholesale.models import Direction
from vpp.accounts.models import Participant
from vpp.network.models import CongestionPoint

CURRENT_STATES = ("ASKED", "BID", "NO_BID")

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

    def newest_revisions(self, reference: str) -> list[Ask]:
        """The last revision of each utility's ask with this reference: references are the utilities' own."""
        rows = self.filter(reference=reference).order_by("utility__code", "-revision").distinct("utility__code")
        return cast("list[Ask]", list(rows))


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
        SUPERSEDED = "SUPERSEDED", "replaced by a later revision"

    class PowerKind(models.TextChoices):
        REAL = "REAL", "real power"
        REACTIVE = "REACTIVE", "reactive power"

    class ServiceKind(models.TextChoices):
        """What the flexibility is for."""

        CONGESTION = "CONGESTION", "overload of a line or transformer"
        REVERSE_FLOW = "REVERSE_FLOW", "power flowing back"
        VOLTAGE = "VOLTAGE", "voltage out of its band"
        SWITCHING = "SWITCHING", "abnormal switching state"
        OTHER = "OTHER", "as agreed"

    #: Allowed steps; everything else is refused. A bid that is revoked opens the ask again.
    STEPS = {
        State.ASKED: (State.BID, State.NO_BID, State.WITHDRAWN, State.EXPIRED, State.SUPERSEDED),
        State.NO_BID: (State.WITHDRAWN, State.SUPERSEDED),
        State.BID: (
            State.COMMITTED,
            State.REJECTED,
            State.EXPIRED,
            State.WITHDRAWN,
            State.SUPERSEDED,
            State.ASKED,
            State.NO_BID,
        ),
        State.COMMITTED: (State.DELIVERED,),
        State.DELIVERED: (State.REPORTED,),
    }

    reference = models.CharField(max_length=120, help_text="the utility's own")
    revision = models.PositiveIntegerField(default=1, help_text="a later one takes the place of the earlier")
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="asks")
    congestion_point = models.ForeignKey(CongestionPoint, on_delete=models.PROTECT, related_name="asks")
    power_kind = models.CharField(max_length=8, choices=PowerKind, default=PowerKind.REAL)
    service_kind = models.CharField(max_length=12, choices=ServiceKind, default=ServiceKind.CONGESTION)
    direction = models.CharField(
        max_length=4, choices=Direction, help_text="of reactive power: UP injects (raises voltage), DOWN absorbs"
    )
    delivery_date = models.DateField()
    time_zone = models.CharField(max_length=64)
    interval_minutes = models.PositiveSmallIntegerField()
    quantity_kw = ArrayField(models.FloatField(), help_text="one per interval of the day, 0 outside the window")
    quantity_kvar = ArrayField(
        models.FloatField(), null=True, blank=True, help_text="reactive power wanted per interval; empty for real power"
    )
    recovery_limit_kw = ArrayField(
        models.FloatField(null=True),
        null=True,
        blank=True,
        help_text="per interval the most that recovery may move against the ask's direction; null: no limit",
    )
    topology_version = models.CharField(
        max_length=80, blank=True, help_text="of the switching state that the need was computed on"
    )
    contract = models.ForeignKey(
        "bidding.FlexContract", null=True, blank=True, on_delete=models.PROTECT, related_name="asks"
    )
    channel = models.CharField(max_length=8, default="REST", help_text="the edge it came through")
    ceiling_price_per_mwh = models.FloatField()
    gate_at = models.DateTimeField(help_text="a bid must be made before")
    expires_at = models.DateTimeField(help_text="an unaccepted bid ends then")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    created_at = models.DateTimeField()

    objects = AskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["utility", "reference", "revision"], name="ask_reference_once_a_utility"),
            models.UniqueConstraint(
                fields=["utility", "reference"],
                condition=Q(state__in=CURRENT_STATES),
                name="ask_one_revision_open",
            ),
            models.CheckConstraint(
                condition=Q(power_kind="REAL", quantity_kvar__isnull=True)
                | Q(power_kind="REACTIVE", quantity_kvar__isnull=False),
                name="ask_reactive_has_kvar",
            ),
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
