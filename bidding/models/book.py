"""The commitment book."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from bidding.models.bids import Bid
from bidding.wholesale.models import Direction
from vpp.enrollment.models import Portfolio


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
    """One bid's claim on one cell. OPEN and AWARDED count, RELEASED does not. A result after another claims anew."""

    class State(models.TextChoices):
        OPEN = "OPEN", "open"
        AWARDED = "AWARDED", "awarded"
        RELEASED = "RELEASED", "released"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="book_entries")
    interval_start = models.DateTimeField()
    direction = models.CharField(max_length=4, choices=Direction)
    bid = models.ForeignKey(Bid, on_delete=models.PROTECT, related_name="book_entries")
    claim = models.PositiveSmallIntegerField(default=1, help_text="1 as bid, one more for each result after another")
    quantity_kw = models.DecimalField(max_digits=14, decimal_places=3)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)

    class Meta:
        verbose_name_plural = "book entries"
        constraints = [
            models.UniqueConstraint(fields=["bid", "claim", "interval_start", "direction"], name="book_entry_once"),
            models.CheckConstraint(condition=Q(quantity_kw__gte=0), name="book_entry_not_negative"),
        ]
        indexes = [models.Index(fields=["portfolio", "interval_start"], name="book_of_a_portfolio")]

    def __str__(self) -> str:
        return f"{self.bid_id} {self.interval_start:%Y-%m-%d %H:%M} {self.direction} {self.quantity_kw}"
