"""Bids: what was offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from bidding.distribution.models import Ask
from bidding.models.runs import NightlyRun
from bidding.wholesale.models import Product
from forecasting.models import ForecastRun
from vpp.accounts.models import Participant
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class BidQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; once submitted, to the market's operator and to the utility that asked."""
        if principal.sees_all:
            return self
        participant = principal.participant
        if participant is None:
            return self.none()
        sent = self.filter(
            state__in=(*Bid.SENT_STATES, Bid.State.WITHDRAWN), submitted_at__isnull=False
        )  # one may expire unsent, as a held one; one taken back was seen before
        if participant.kind == Participant.Kind.UTILITY:
            return sent.filter(ask__utility=participant)
        if participant.kind == Participant.Kind.MARKET:
            return sent.filter(product__market__operator=participant)
        return self.none()


class Bid(models.Model):
    """Our priced offer of a quantity per interval, relative to the baseline. A trigger keeps it as it was submitted."""

    class State(models.TextChoices):
        DRAFT = "DRAFT", "draft"
        CHECKED = "CHECKED", "checked, in the book"
        HELD = "HELD", "held by an operator"
        SUBMITTED = "SUBMITTED", "submitted"
        ACKNOWLEDGED = "ACKNOWLEDGED", "acknowledged"
        CLEARED = "CLEARED", "cleared"
        NOT_CLEARED = "NOT_CLEARED", "not cleared"
        WITHDRAWN = "WITHDRAWN", "withdrawn"
        EXPIRED = "EXPIRED", "expired"
        REJECTED = "REJECTED", "rejected"
        CANCELLED = "CANCELLED", "award cancelled"

    STEPS = {
        State.DRAFT: (State.CHECKED, State.WITHDRAWN),
        State.CHECKED: (State.SUBMITTED, State.HELD, State.WITHDRAWN, State.EXPIRED),
        State.HELD: (State.CHECKED, State.WITHDRAWN, State.EXPIRED),
        State.SUBMITTED: (
            State.HELD,
            State.ACKNOWLEDGED,
            State.CLEARED,
            State.NOT_CLEARED,
            State.REJECTED,
            State.EXPIRED,
            State.WITHDRAWN,
        ),
        State.ACKNOWLEDGED: (State.CLEARED, State.NOT_CLEARED, State.REJECTED, State.EXPIRED, State.WITHDRAWN),
        State.CLEARED: (State.CANCELLED,),
        State.NOT_CLEARED: (State.CLEARED,),  # a market's corrected result
        State.CANCELLED: (State.CLEARED, State.NOT_CLEARED),
    }
    SENT_STATES = (
        State.SUBMITTED,
        State.ACKNOWLEDGED,
        State.CLEARED,
        State.NOT_CLEARED,
        State.REJECTED,
        State.EXPIRED,
        State.CANCELLED,
    )
    LIVE_STATES = (State.DRAFT, State.CHECKED, State.HELD, State.SUBMITTED, State.ACKNOWLEDGED, State.CLEARED)

    natural_key = models.CharField(max_length=240, unique=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="bids")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="bids")
    ask = models.ForeignKey(Ask, null=True, blank=True, on_delete=models.PROTECT, related_name="bids")
    delivery_date = models.DateField()
    version = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    award = models.OneToOneField(
        "bidding.Award",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the one that stands; kept by triggers on awards and their cancellations",
    )
    up_kw = ArrayField(models.FloatField(), help_text="per 15-minute interval of the delivery day")
    down_kw = ArrayField(models.FloatField())
    price_per_mwh = ArrayField(models.FloatField(), help_text="limit price; EUR/MW/h for reserve capacity")
    curve = models.JSONField(
        null=True,
        blank=True,
        help_text="per market block the rising [[price, kW], ...]: from that price on, so much, up positive; up_kw and "
        "down_kw are then its extremes",
    )
    blocks = models.JSONField(
        null=True,
        blank=True,
        help_text="all-or-none profiles of which at most one is taken: [{name, price_per_mwh, up_kw, down_kw}]",
    )
    confidence = models.FloatField(null=True, blank=True, help_text="at which the capacity is expected to be there")
    shortfall_risk = models.JSONField(default=dict, blank=True, help_text="chance and size of falling short")
    gap = models.FloatField(null=True, blank=True, help_text="proven distance from the optimum, relative")
    solver = models.JSONField(default=dict)
    nightly_run = models.ForeignKey(NightlyRun, null=True, blank=True, on_delete=models.PROTECT, related_name="bids")
    forecast_run = models.ForeignKey(ForecastRun, null=True, blank=True, on_delete=models.PROTECT, related_name="bids")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)

    objects = BidQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["portfolio", "product", "ask", "delivery_date", "version"],
                nulls_distinct=False,
                name="bid_version_once",
            ),
            models.UniqueConstraint(
                fields=["portfolio", "product", "ask", "delivery_date"],
                condition=Q(state__in=["DRAFT", "CHECKED", "HELD", "SUBMITTED", "ACKNOWLEDGED", "CLEARED"]),
                nulls_distinct=False,
                name="bid_one_alive",
            ),
            models.CheckConstraint(
                condition=Q(up_kw__len=F("down_kw__len"), price_per_mwh__len=F("up_kw__len")), name="bid_arrays_agree"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["SUBMITTED", "ACKNOWLEDGED", "CLEARED"]) | Q(submitted_at__isnull=False),
                name="bid_submitted_has_a_moment",
            ),
        ]
        indexes = [models.Index(fields=["delivery_date", "portfolio"], name="bids_of_a_day")]

    def __str__(self) -> str:
        return self.natural_key


class BidEvent(models.Model):
    """One step of a bid; append-only by trigger."""

    bid = models.ForeignKey(Bid, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=Bid.State)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.bid_id} {self.state}"
