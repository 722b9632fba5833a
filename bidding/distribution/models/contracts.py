"""Standing contracts with utilities, and what of them is reserved on a day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from bidding.distribution.models.asks import Ask
from bidding.wholesale.models import Direction
from vpp.accounts.models import Participant
from vpp.network.models import CongestionPoint

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class FlexContractQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator, its own for a utility."""
        return self if principal.sees_all else self.filter(utility=principal.participant)

    def active_on(self, day: date) -> Self:
        return self.filter(first_date__lte=day).filter(Q(last_date__isnull=True) | Q(last_date__gte=day))


class FlexContract(models.Model):
    """A standing agreement: power kept for a utility at a congestion point, which it may order directly."""

    contract_id = models.CharField(max_length=120, help_text="as both sides call it")
    utility = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="flex_contracts")
    congestion_point = models.ForeignKey(CongestionPoint, on_delete=models.PROTECT, related_name="flex_contracts")
    direction = models.CharField(max_length=4, choices=Direction)
    service_kind = models.CharField(max_length=12, choices=Ask.ServiceKind, default=Ask.ServiceKind.CONGESTION)
    power_kw = models.FloatField(help_text="reserved in every interval until an update lowers it")
    energy_limit_kwh = models.FloatField(
        null=True, blank=True, help_text="most energy ordered on a day; empty: as long as the power is reserved"
    )
    price_per_mwh = models.FloatField(help_text="EUR/MWh of what is ordered")
    first_date = models.DateField()
    last_date = models.DateField(null=True, blank=True)

    objects = FlexContractQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["utility", "contract_id"], name="flex_contract_once_a_utility"),
            models.CheckConstraint(condition=Q(power_kw__gt=0), name="flex_contract_power_positive"),
            models.CheckConstraint(
                condition=Q(energy_limit_kwh__isnull=True) | Q(energy_limit_kwh__gt=0),
                name="flex_contract_energy_positive",
            ),
            models.CheckConstraint(condition=Q(price_per_mwh__gte=0), name="flex_contract_price_not_negative"),
        ]

    def __str__(self) -> str:
        return self.contract_id


class Reservation(models.Model):
    """What of a contract is still reserved on a day; an update only lowers it."""

    contract = models.ForeignKey(FlexContract, on_delete=models.PROTECT, related_name="reservations")
    delivery_date = models.DateField()
    reserved_kw = ArrayField(models.FloatField(), help_text="per interval of the day")
    reference = models.CharField(max_length=120, blank=True, help_text="of the last update")
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "delivery_date"], name="reservation_once_a_day")]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.delivery_date}"
