"""Exclusive options of a bid on an ask, and which of them was ordered."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from bidding.models.awards import Award
from bidding.models.bids import Bid


class BidOption(models.Model):
    """One of several ways to take a bid; the utility orders at most one. Written with the bid and never changed."""

    bid = models.ForeignKey(Bid, on_delete=models.PROTECT, related_name="options")
    reference = models.CharField(max_length=40)
    up_kw = ArrayField(models.FloatField())
    down_kw = ArrayField(models.FloatField())
    kvar = ArrayField(
        models.FloatField(), null=True, blank=True, help_text="reactive power, injection positive; empty for real power"
    )
    recovery_kw = ArrayField(
        models.FloatField(), help_text="movement needed outside the window, up positive; no promise and not paid"
    )
    price_per_mwh = models.FloatField(help_text="EUR/MWh; EUR/Mvarh for reactive power")
    price = models.DecimalField(max_digits=14, decimal_places=4, help_text="of the whole option, EUR")
    min_activation_pu = models.DecimalField(max_digits=3, decimal_places=2, default=Decimal(1))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bid", "reference"], name="bid_option_once"),
            models.CheckConstraint(
                condition=Q(min_activation_pu__gt=0, min_activation_pu__lte=1), name="bid_option_activation_0_to_1"
            ),
            models.CheckConstraint(condition=Q(up_kw__len=models.F("down_kw__len")), name="bid_option_arrays_agree"),
        ]

    def __str__(self) -> str:
        return f"{self.bid_id}/{self.reference}"


class OrderedOption(models.Model):
    """Which option an award took and how much of it."""

    award = models.OneToOneField(Award, on_delete=models.PROTECT, related_name="ordered_option")
    option = models.ForeignKey(BidOption, on_delete=models.PROTECT, related_name="orders")
    activation_pu = models.DecimalField(max_digits=3, decimal_places=2)
    price = models.DecimalField(max_digits=14, decimal_places=4, help_text="of the option times the activation, EUR")

    @property
    def kvar(self) -> list[float] | None:
        """(H,) reactive power ordered, injection positive; None for real power."""
        if self.option.kvar is None:
            return None
        return [round(value * float(self.activation_pu), 3) for value in self.option.kvar]

    def __str__(self) -> str:
        return f"award {self.award_id} of {self.option_id}"
