"""What owners agree to: terms of use, contracts, consent."""

from __future__ import annotations

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q

from vpp.accounts.models import Participant
from vpp.enrollment.models.devices import Device, Site
from vpp.enrollment.models.periods import PeriodQuerySet, one_at_a_time


class OwnerTerms(models.Model):
    """What the owner allows; constraints of the bid and of the dispatch, never filters after it."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="terms")
    period = DateTimeRangeField(help_text="UTC; no end means until further notice")
    reserve_floor_pu = models.FloatField(default=0.0, help_text="share of the storage that stays with the owner")
    max_events_per_day = models.PositiveSmallIntegerField(null=True, blank=True)
    max_events_per_season = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="April to September, and October to March"
    )
    max_hours_per_day = models.FloatField(null=True, blank=True)
    notice_minutes = models.PositiveIntegerField(default=0)
    rest_minutes = models.PositiveIntegerField(default=0)
    comfort_min_c = models.FloatField(null=True, blank=True)
    comfort_max_c = models.FloatField(null=True, blank=True)
    departure_local_time = models.TimeField(null=True, blank=True)
    departure_energy_kwh = models.FloatField(null=True, blank=True)
    opted_out = models.BooleanField(default=False)

    objects = PeriodQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "owner terms"
        constraints = [
            one_at_a_time(name="owner_terms_one_at_a_time", column="device_id"),
            models.CheckConstraint(
                condition=Q(reserve_floor_pu__gte=0, reserve_floor_pu__lt=1), name="owner_terms_floor_below_full"
            ),
            models.CheckConstraint(
                condition=Q(comfort_min_c__isnull=True)
                | Q(comfort_max_c__isnull=True)
                | Q(comfort_min_c__lt=F("comfort_max_c")),
                name="owner_terms_comfort_band_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"terms of {self.device_id} {self.period}"


class Contract(models.Model):
    """How an owner is paid, for a half-open period."""

    class SplitRule(models.TextChoices):
        PRO_RATA_DELIVERED = "PRO_RATA_DELIVERED", "share of revenue, pro rata to delivered energy"
        FLOOR_PLUS_SHARE = "FLOOR_PLUS_SHARE", "a floor per event and a share of what is left"
        MARGINAL = "MARGINAL", "share of revenue by marginal contribution"
        SHAPLEY = "SHAPLEY", "share of revenue by Shapley value"
        TARIFF = "TARIFF", "a price per delivered kWh"

    code = models.CharField(max_length=120, unique=True)
    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="contracts")
    period = DateTimeRangeField()
    split_rule = models.CharField(max_length=24, choices=SplitRule, default=SplitRule.PRO_RATA_DELIVERED)
    owner_share_pu = models.DecimalField(max_digits=5, decimal_places=4)
    fee_per_event = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    floor_per_event = models.DecimalField(max_digits=9, decimal_places=2, default=0, help_text="floor plus share")
    tariff_per_kwh = models.DecimalField(max_digits=9, decimal_places=5, default=0, help_text="tariff")
    currency = models.CharField(max_length=3, default="EUR")

    objects = PeriodQuerySet.as_manager()

    class Meta:
        constraints = [
            one_at_a_time(name="contract_one_an_owner_at_a_time", column="owner_id"),
            models.CheckConstraint(
                condition=Q(owner_share_pu__gte=0, owner_share_pu__lte=1), name="contract_share_between_0_and_1"
            ),
            models.CheckConstraint(condition=Q(fee_per_event__gte=0), name="contract_fee_not_negative"),
            models.CheckConstraint(
                condition=Q(floor_per_event__gte=0, tariff_per_kwh__gte=0), name="contract_floor_tariff_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Consent(models.Model):
    """An owner's agreement that a site is measured, controlled and paid for."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="consents")
    given_by = models.CharField(max_length=200, help_text="who signed, for the owner")
    given_at = models.DateTimeField()
    document = models.CharField(max_length=120, help_text="version of the text that was signed")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site"], condition=Q(withdrawn_at__isnull=True), name="consent_one_in_force_a_site"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_withdrawn_after_given",
            ),
        ]
        # telemetry: whose readings are refused
        indexes = [
            models.Index(fields=["site"], condition=Q(withdrawn_at__isnull=False), name="consents_withdrawn"),
        ]

    def __str__(self) -> str:
        return f"{self.site_id}: {self.document} by {self.given_by}"
