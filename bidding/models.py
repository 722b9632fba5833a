"""Nightly runs, bids, awards and the commitment book. Markets live in `wholesale`, asks in `distribution`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from bidding.distribution.models import Ask, AskEvent
from bidding.wholesale.models import Direction, Market, Price, Product
from forecasting.models import ForecastRun
from vpp.accounts.models import Participant
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

__all__ = [
    "Activation",
    "Ask",
    "AskEvent",
    "Award",
    "Bid",
    "BidEvent",
    "BookCell",
    "BookEntry",
    "Direction",
    "Market",
    "NightlyRun",
    "NightlyStep",
    "PlannedDay",
    "Price",
    "Product",
]


class NightlyRun(models.Model):
    """The bids of one zone and delivery day, from data check to submission; its key makes it happen once."""

    class State(models.TextChoices):
        RUNNING = "RUNNING", "running"
        DONE = "DONE", "done"
        DEGRADED = "DEGRADED", "done, with shortfalls or a fallback"
        FAILED = "FAILED", "failed"

    natural_key = models.CharField(max_length=120, unique=True)
    zone_code = models.CharField(max_length=40)
    delivery_date = models.DateField()
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    gate_at = models.DateTimeField(help_text="the first gate of its markets")
    data_as_of = models.DateTimeField(help_text="what the run may know; the same after a resume")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.natural_key


class NightlyStep(models.Model):
    """One step of a run with what it found; a finished step is not done again."""

    class State(models.TextChoices):
        RUNNING = "RUNNING", "running"
        DONE = "DONE", "done"
        DEGRADED = "DEGRADED", "done, with findings"
        FAILED = "FAILED", "failed"

    run = models.ForeignKey(NightlyRun, on_delete=models.PROTECT, related_name="steps")
    name = models.CharField(max_length=20)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_s = models.FloatField(null=True, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="nightly_step_once_a_run")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.name} {self.state}"


class PlannedDay(models.Model):
    """What a run decided for one portfolio: first the safe fallback, then the optimised plan in its place.

    positions: {"sell_kw", "buy_kw": [H], "reserve_kw": {product: [H]}, "ask_kw": {ask id: [H]}, "ask_price": {ask id:
    EUR/MWh}}
    """

    class Kind(models.TextChoices):
        FALLBACK = "FALLBACK", "simple rule, no solver"
        OPTIMISED = "OPTIMISED", "optimised"

    run = models.ForeignKey(NightlyRun, on_delete=models.PROTECT, related_name="planned_days")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="planned_days")
    forecast_run = models.ForeignKey(
        ForecastRun, null=True, blank=True, on_delete=models.PROTECT, related_name="planned_days"
    )
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.FALLBACK)
    status = models.CharField(max_length=12, help_text="optimal, feasible, degraded or fallback")
    positions = models.JSONField()
    capacity_up_kw = ArrayField(models.FloatField())
    capacity_down_kw = ArrayField(models.FloatField())
    recovery_kw = ArrayField(models.FloatField(), help_text="movement outside promised hours, up positive")
    shortfalls = models.JSONField(default=list)
    expected_profit = models.FloatField(default=0.0, help_text="EUR, at the expected prices; not a booked amount")
    gap = models.FloatField(null=True, blank=True)
    solver = models.JSONField(default=dict)
    settled = models.BooleanField(default=False, help_text="the optimisation has had its turn, whatever came of it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "portfolio"], name="planned_day_once_a_portfolio")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.portfolio_id} {self.kind}"


class BidQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; once submitted, to the market's operator and to the utility that asked."""
        if principal.sees_all:
            return self
        participant = principal.participant
        if participant is None:
            return self.none()
        sent = self.filter(state__in=Bid.SENT_STATES)
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
        SUBMITTED = "SUBMITTED", "submitted"
        ACKNOWLEDGED = "ACKNOWLEDGED", "acknowledged"
        CLEARED = "CLEARED", "cleared"
        NOT_CLEARED = "NOT_CLEARED", "not cleared"
        WITHDRAWN = "WITHDRAWN", "withdrawn"
        EXPIRED = "EXPIRED", "expired"
        REJECTED = "REJECTED", "rejected"

    STEPS = {
        State.DRAFT: (State.CHECKED, State.WITHDRAWN),
        State.CHECKED: (State.SUBMITTED, State.WITHDRAWN, State.EXPIRED),
        State.SUBMITTED: (
            State.ACKNOWLEDGED,
            State.CLEARED,
            State.NOT_CLEARED,
            State.REJECTED,
            State.EXPIRED,
            State.WITHDRAWN,
        ),
        State.ACKNOWLEDGED: (State.CLEARED, State.NOT_CLEARED, State.REJECTED, State.EXPIRED, State.WITHDRAWN),
    }
    SENT_STATES = (
        State.SUBMITTED,
        State.ACKNOWLEDGED,
        State.CLEARED,
        State.NOT_CLEARED,
        State.REJECTED,
        State.EXPIRED,
    )
    LIVE_STATES = (State.DRAFT, State.CHECKED, State.SUBMITTED, State.ACKNOWLEDGED, State.CLEARED)

    natural_key = models.CharField(max_length=240, unique=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="bids")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="bids")
    ask = models.ForeignKey(Ask, null=True, blank=True, on_delete=models.PROTECT, related_name="bids")
    delivery_date = models.DateField()
    version = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    up_kw = ArrayField(models.FloatField(), help_text="per 15-minute interval of the delivery day")
    down_kw = ArrayField(models.FloatField())
    price_per_mwh = ArrayField(models.FloatField(), help_text="limit price; EUR/MW/h for reserve capacity")
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
                condition=Q(state__in=["DRAFT", "CHECKED", "SUBMITTED", "ACKNOWLEDGED", "CLEARED"]),
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


class AwardQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Whoever may see the bid may see its award."""
        return self if principal.sees_all else self.filter(bid__in=Bid.objects.visible_to(principal))


class Award(models.Model):
    """The commit: what the market or the utility took of a bid. Immutable and never above the bid, by trigger."""

    bid = models.OneToOneField(Bid, on_delete=models.PROTECT, related_name="award")
    up_kw = ArrayField(models.FloatField())
    down_kw = ArrayField(models.FloatField())
    price_per_mwh = ArrayField(models.FloatField(), help_text="EUR/MWh; EUR/MW/h for reserve capacity")
    source_reference = models.CharField(max_length=160, unique=True)
    awarded_at = models.DateTimeField()

    objects = AwardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(up_kw__len=F("down_kw__len"), price_per_mwh__len=F("up_kw__len")),
                name="award_arrays_agree",
            ),
        ]

    def __str__(self) -> str:
        return self.source_reference


class Activation(models.Model):
    """A call on an awarded reserve in one interval; append-only."""

    award = models.ForeignKey(Award, on_delete=models.PROTECT, related_name="activations")
    interval_start = models.DateTimeField()
    activated_pu = models.FloatField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["award", "interval_start"], name="activation_once_an_interval"),
            models.CheckConstraint(
                condition=Q(activated_pu__gte=0, activated_pu__lte=1), name="activation_share_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.award_id} {self.interval_start:%Y-%m-%d %H:%M}"


class BookCell(models.Model):
    """What a portfolio can move in one interval and direction, and how much of it is promised.

    promised_kw is kept by a trigger on BookEntry; the check is the promise that no kilowatt is sold twice.
    """

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="book_cells")
    interval_start = models.DateTimeField()
    direction = models.CharField(max_length=4, choices=Direction)
    capacity_kw = models.DecimalField(max_digits=14, decimal_places=3)
    promised_kw = models.DecimalField(max_digits=14, decimal_places=3, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "interval_start", "direction"], name="book_cell_once"),
            models.CheckConstraint(
                condition=Q(promised_kw__gte=0) & Q(promised_kw__lte=F("capacity_kw")), name="book_never_sold_twice"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.interval_start:%Y-%m-%d %H:%M} {self.direction}"


class BookEntry(models.Model):
    """One bid's claim on one cell. OPEN and AWARDED count, RELEASED does not."""

    class State(models.TextChoices):
        OPEN = "OPEN", "open"
        AWARDED = "AWARDED", "awarded"
        RELEASED = "RELEASED", "released"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="book_entries")
    interval_start = models.DateTimeField()
    direction = models.CharField(max_length=4, choices=Direction)
    bid = models.ForeignKey(Bid, on_delete=models.PROTECT, related_name="book_entries")
    quantity_kw = models.DecimalField(max_digits=14, decimal_places=3)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)

    class Meta:
        verbose_name_plural = "book entries"
        constraints = [
            models.UniqueConstraint(fields=["bid", "interval_start", "direction"], name="book_entry_once"),
            models.CheckConstraint(condition=Q(quantity_kw__gte=0), name="book_entry_not_negative"),
        ]
        indexes = [models.Index(fields=["portfolio", "interval_start"], name="book_of_a_portfolio")]

    def __str__(self) -> str:
        return f"{self.bid_id} {self.interval_start:%Y-%m-%d %H:%M} {self.direction} {self.quantity_kw}"
