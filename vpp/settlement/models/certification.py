"""How well baseline methods fit a site: results of placebo events, and the method a failing site was steered to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from vpp.enrollment.models import Device, Site
from vpp.settlement.models.rules import BaselineProfile, DatedQuerySet

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class CertificationQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; an owner's own sites."""
        if principal.sees_all:
            return self
        return self.filter(device__site__owner=principal.participant)

    def newest(self) -> Self:
        """The last one of each device."""
        younger = Certification.objects.filter(device=models.OuterRef("device"), pk__gt=models.OuterRef("pk"))
        return self.filter(~models.Exists(younger))


class Certification(models.Model):
    """Methods tried on placebo events of a device (of its site, if it is the meter), as known at `as_of`."""

    class Level(models.TextChoices):
        SITE = "SITE", "a method passes on the site's own readings"
        PORTFOLIO = "PORTFOLIO", "settle by the sum of its portfolio"
        DEVICE = "DEVICE", "settle by the device's own readings around the event"
        CONTROL_GROUP = "CONTROL_GROUP", "settle by a control group of similar sites"

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="certifications")
    first_day = models.DateField()
    last_day = models.DateField()
    first_hour = models.PositiveSmallIntegerField(help_text="the placebo event begins, on the site's clock")
    last_hour = models.PositiveSmallIntegerField(help_text="and ends")
    as_of = models.DateTimeField(help_text="only readings known then were used")
    gate_rrmse_pu = models.FloatField()
    gate_bias_pu = models.FloatField()
    level = models.CharField(max_length=16, choices=Level)
    best_profile = models.ForeignKey(
        BaselineProfile,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="passes on the level; none where a control group has to be formed",
    )
    reason = models.TextField(help_text="why this level")

    objects = CertificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(first_hour__lt=models.F("last_hour"), last_hour__lte=24),
                name="certification_hours_of_a_day",
            ),
            models.CheckConstraint(
                condition=Q(level="CONTROL_GROUP") | Q(best_profile__isnull=False), name="certification_names_a_method"
            ),
        ]
        indexes = [models.Index(fields=["device", "-id"], name="certifications_of_a_device")]

    @property
    def passes(self) -> bool:
        """Whether the site may be settled on its own."""
        return self.level == self.Level.SITE

    def __str__(self) -> str:
        return f"device {self.device_id} until {self.last_day}: {self.level}"


class CertificationFit(models.Model):
    """One method's result, and its placebo events for the plot. Shares of one; null where nothing could be compared."""

    certification = models.ForeignKey(Certification, on_delete=models.PROTECT, related_name="fits")
    level = models.CharField(max_length=16, choices=Certification.Level)
    profile = models.ForeignKey(BaselineProfile, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(help_text="1 fits best, within its level")
    events = models.PositiveSmallIntegerField(help_text="placebo events with a baseline")
    rrmse_pu = models.FloatField(null=True, help_text="root mean square error of an interval over the mean load")
    bias_pu = models.FloatField(null=True, help_text="mean error over the mean load")
    missing_pu = models.FloatField(help_text="placebo events without a baseline, of all")
    band_low_pu = models.FloatField(null=True, help_text="10 % quantile of an event's error: its confidence band")
    band_high_pu = models.FloatField(null=True, help_text="90 % quantile")
    passes = models.BooleanField()
    placebo = models.JSONField(default=list, help_text="per event: date, baseline_kwh, actual_kwh")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["certification", "level", "rank"], name="certification_fit_once_a_rank"),
        ]

    def __str__(self) -> str:
        return f"{self.profile_id} of certification {self.certification_id}"


class SiteMethod(models.Model):
    """A site's baseline method from a date on, as a certification steered it; goes before the kind's and the site's."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="baseline_methods")
    valid_from = models.DateField()
    profile_name = models.CharField(max_length=40)
    certification = models.ForeignKey(Certification, on_delete=models.PROTECT, related_name="adopted")

    objects = DatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "valid_from"], name="site_method_once_a_date")]

    def __str__(self) -> str:
        return f"{self.site_id}: {self.profile_name} from {self.valid_from}"
