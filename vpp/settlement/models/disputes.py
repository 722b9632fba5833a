"""The other side's statement, what differs from ours, disputes, and findings that hold a payout back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from vpp.accounts.models import Participant
from vpp.enrollment.models import Device, Site

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class OwnSideQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; a utility's own."""
        if principal.sees_all:
            return self
        return self.filter(utility=principal.participant)


class UtilityStatement(models.Model):
    """A utility's settlement of its asks, as it was received; written once."""

    class Form(models.TextChoices):
        CSV = "CSV", "CSV"
        UFTP = "UFTP", "UFTP FlexSettlement"

    reference = models.CharField(max_length=120)
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="utility_statements")
    form = models.CharField(max_length=4, choices=Form)
    received_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was received")
    findings = models.JSONField(default=list, help_text="rows that could not be matched with an ask")

    objects = OwnSideQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["utility", "reference"], name="utility_statement_once"),
        ]

    def __str__(self) -> str:
        return self.reference


class UtilityStatementLine(models.Model):
    """One interval of one ask; kW in the direction of the ask, non-negative. Empty where the utility was silent."""

    statement = models.ForeignKey(UtilityStatement, on_delete=models.PROTECT, related_name="lines")
    ask = models.ForeignKey("bidding.Ask", on_delete=models.PROTECT, related_name="+")
    delivery_date = models.DateField()
    isp = models.PositiveSmallIntegerField(help_text="interval of the local day, from 1")
    ordered_kw = models.FloatField(null=True)
    delivered_kw = models.FloatField(null=True)
    deficiency_kw = models.FloatField(null=True)
    net_amount = models.DecimalField(max_digits=14, decimal_places=6, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "ask", "isp"], name="utility_line_once_an_interval"),
            models.CheckConstraint(condition=Q(isp__gte=1, isp__lte=100), name="utility_line_isp_of_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.ask_id} ISP {self.isp}"


class Dispute(models.Model):
    """Differences over the tolerance between a utility's statement and ours, with the evidence as it stood."""

    class State(models.TextChoices):
        OPEN = "OPEN", "open"
        ANSWERED = "ANSWERED", "answered"
        RESOLVED = "RESOLVED", "resolved"

    STEPS = {State.OPEN: (State.ANSWERED, State.RESOLVED), State.ANSWERED: (State.OPEN, State.RESOLVED)}

    statement = models.ForeignKey(UtilityStatement, on_delete=models.PROTECT, related_name="disputes")
    ask = models.ForeignKey("bidding.Ask", on_delete=models.PROTECT, related_name="+")
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    evidence = models.JSONField(help_text="both sides' values per interval, and where ours come from")

    objects = OwnSideQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["statement", "ask"], name="dispute_once_an_ask")]

    def __str__(self) -> str:
        return f"dispute {self.pk} on ask {self.ask_id}"


class DisputeEvent(models.Model):
    """A step of a dispute, with what was said."""

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="events")
    state = models.CharField(max_length=8, choices=Dispute.State)
    at = models.DateTimeField()
    by = models.CharField(max_length=120)
    text = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.dispute_id}: {self.state}"


class ReviewFinding(models.Model):
    """A sign of gaming for a person to look at. While it is open the owner's payout is held, never denied."""

    class Kind(models.TextChoices):
        WINDOW_RAISED = "WINDOW_RAISED", "load in the adjustment window far above like days"
        RAISED_AFTER_NOTICE = "RAISED_AFTER_NOTICE", "load jumps between notice and window"
        RAISED_NEAR_OFFERS = "RAISED_NEAR_OFFERS", "load raised on offered, not dispatched days"
        REPEATED_OFFSET = "REPEATED_OFFSET", "the same addend in event after event"
        PAIRED_SITES = "PAIRED_SITES", "two sites of an owner shift load between them"

    class State(models.TextChoices):
        OPEN = "OPEN", "open, payout held"
        CLEARED = "CLEARED", "explained, payout released"
        CONFIRMED = "CONFIRMED", "confirmed, payout stays held"

    kind = models.CharField(max_length=24, choices=Kind)
    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="review_findings")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    delivery_date = models.DateField()
    found_at = models.DateTimeField()
    evidence = models.JSONField(default=dict)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "owner", "device", "delivery_date"], nulls_distinct=False, name="review_finding_once"
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN") | (Q(decided_at__isnull=False) & ~Q(decision="")),
                name="review_decision_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["state", "owner"], name="holds_of_an_owner")]

    def __str__(self) -> str:
        return f"{self.kind} {self.delivery_date}"
