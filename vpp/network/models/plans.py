"""The utility's least-cost plan over the bids of several aggregators, and who decided on it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from vpp.network.models.places import ElementQuerySet, Feeder
from vpp.network.models.states import TopologyVersion


class ClearingPlan(models.Model):
    """One clearing of a feeder's delivery day: what it was asked, what it chose, what the AC check says of it.

    state      : PROPOSED until the utility decides; with four_eyes an ENDORSED plan waits for a second person.
    ac_valid   : no limit is broken that was kept without the plan, and none is broken further.
    cures_all  : every violation of the forecast is gone.
    violations_before, _after : as screening lists them.
    """

    class State(models.TextChoices):
        PROPOSED = "PROPOSED", "proposed"
        ENDORSED = "ENDORSED", "accepted by one of two"
        ACCEPTED = "ACCEPTED", "accepted"
        REJECTED = "REJECTED", "rejected"
        SUPERSEDED = "SUPERSEDED", "superseded"

    #: Allowed steps; everything else is refused.
    STEPS = {
        State.PROPOSED: (State.ENDORSED, State.ACCEPTED, State.REJECTED, State.SUPERSEDED),
        State.ENDORSED: (State.ACCEPTED, State.REJECTED, State.SUPERSEDED),
    }

    natural_key = models.CharField(max_length=64, unique=True, help_text="SHA-256 of everything it was made from")
    feeder = models.ForeignKey(Feeder, on_delete=models.PROTECT, related_name="clearing_plans")
    delivery_date = models.DateField()
    time_zone = models.CharField(max_length=64)
    topology = models.ForeignKey(
        TopologyVersion, null=True, on_delete=models.PROTECT, related_name="+", help_text="of the day's last interval"
    )
    topology_versions = ArrayField(
        models.PositiveIntegerField(), default=list, help_text="of the switching states the day passes through"
    )
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    four_eyes = models.BooleanField(default=False)
    cost = models.DecimalField(max_digits=14, decimal_places=2)
    currency = models.CharField(max_length=3, default="EUR")
    ac_valid = models.BooleanField()
    cures_all = models.BooleanField()
    corrections = models.PositiveSmallIntegerField(help_text="times the linear rows were corrected by a power flow")
    violations_before = models.JSONField(default=list)
    violations_after = models.JSONField(default=list)

    objects = ElementQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(cost__gte=0), name="clearing_plan_cost_not_negative")]
        indexes = [models.Index(fields=["feeder", "delivery_date"], name="clearing_plans_of_a_day")]

    def __str__(self) -> str:
        return f"{self.feeder.code} {self.delivery_date} #{self.pk}"


class PlanBid(models.Model):
    """One bid of a clearing: what it offered, what was taken (zeros if it lost) and why it lost."""

    plan = models.ForeignKey(ClearingPlan, on_delete=models.PROTECT, related_name="bids")
    reference = models.CharField(max_length=200, help_text="the aggregator's own; our bids are bid:ID")
    aggregator = models.CharField(max_length=120)
    node_codes = ArrayField(models.CharField(max_length=120))
    price_per_mwh = ArrayField(models.FloatField())
    offered_kw = ArrayField(models.FloatField(), help_text="upward positive: less consumption")
    taken_kw = ArrayField(models.FloatField())
    taken_kvar = ArrayField(models.FloatField(), help_text="positive: less reactive power drawn")
    cost = models.DecimalField(max_digits=14, decimal_places=2)
    reason = models.CharField(max_length=24, blank=True, help_text="code of why it lost; empty if it was taken")
    explanation = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "reference"], name="plan_bid_once")]

    def __str__(self) -> str:
        return self.reference


class PlanDecision(models.Model):
    """One person's or program's word on a plan. Append-only by trigger; nobody decides twice on one plan."""

    plan = models.ForeignKey(ClearingPlan, on_delete=models.PROTECT, related_name="decisions")
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    accepted = models.BooleanField()
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "actor"], name="plan_decided_once_by_each"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {'accepted' if self.accepted else 'rejected'} by {self.actor}"
