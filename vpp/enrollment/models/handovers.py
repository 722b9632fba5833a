"""Whose a site was on which day: every change of hands is a row that stays."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from vpp.accounts.models import Participant
from vpp.enrollment.models.devices import Site


class Handover(models.Model):
    """A site changes hands: from `since` on it is `owner`'s, as far as is known from `recorded_at` on. Written once.

    The newest row that covers a moment says whose the site was then; before the first it was that one's former owner's;
    a site without any row has always been its present owner's. The database moves `Site.owner` along with each row, and
    refuses to move it otherwise.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="handovers")
    former_owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField(help_text="UTC; a day is paid to whoever owns the site when it begins")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(since__lte=F("recorded_at")), name="handover_has_happened"),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} is {self.owner_id}'s since {self.since:%Y-%m-%d %H:%MZ}"
