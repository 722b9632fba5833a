"""Awards and activations: what was taken, what was called."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from bidding.models.bids import Bid

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class AwardQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Whoever may see the bid may see its award."""
        return self if principal.sees_all else self.filter(bid__in=Bid.objects.visible_to(principal))

    def standing(self) -> Self:
        """Those that nobody cancelled."""
        return self.filter(cancellation__isnull=True)

    def standing_at(self, moment: datetime) -> Self:
        """As known then: awarded, and not cancelled yet."""
        return self.filter(awarded_at__lte=moment).exclude(cancellation__cancelled_at__lte=moment)


class Award(models.Model):
    """The commit: what the market or the utility took of a bid. Immutable and never above the bid, by trigger.

    Of one bid's awards at most one stands; the others were cancelled, and `corrects` names the one that was in force
    before.
    """

    bid = models.ForeignKey(Bid, on_delete=models.PROTECT, related_name="awards")
    up_kw = ArrayField(models.FloatField())
    down_kw = ArrayField(models.FloatField())
    price_per_mwh = ArrayField(models.FloatField(), help_text="EUR/MWh; EUR/MW/h for reserve capacity")
    source_reference = models.CharField(
        max_length=250, unique=True, help_text="whoever awarded it in brackets, then their own reference"
    )
    awarded_at = models.DateTimeField()
    corrects = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrected_by"
    )

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

    @staticmethod
    def reference_by(code: str, reference: str) -> str:
        """A market's or utility's own reference, apart from the same words of another's."""
        return f"[{code}] {reference}"

    @property
    def own_reference(self) -> str:
        """As whoever awarded it wrote it."""
        return in_own_words(self.source_reference)

    def is_repeated_by(self, reference: str) -> bool:
        """Also one that was taken when references stood alone."""
        return self.source_reference in (reference, in_own_words(reference))


def in_own_words(reference: str) -> str:
    return reference.partition("] ")[2] if reference.startswith("[") and "] " in reference else reference


class AwardCancellation(models.Model):
    """The market took an award back, at a moment and under a reference of its own; append-only. The award stays."""

    award = models.OneToOneField(Award, on_delete=models.PROTECT, related_name="cancellation")
    source_reference = models.CharField(max_length=250, help_text="whoever cancelled it in brackets, then their own")
    reason = models.TextField(blank=True)
    cancelled_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.source_reference

    @property
    def own_reference(self) -> str:
        return in_own_words(self.source_reference)


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
