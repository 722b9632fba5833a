"""Sites and the devices behind their meters."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from vpp.accounts.models import Participant

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class SiteQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; an owner's own; nothing for others (a utility sees congestion points, not homes)."""
        if principal.sees_all:
            return self
        return self.filter(owner=principal.participant)


class Site(models.Model):
    """A metered connection point of an owner at one network node."""

    code = models.CharField(max_length=120, unique=True)
    name = models.CharField(max_length=200)
    owner = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="sites")
    time_zone = models.CharField(max_length=64, help_text="IANA name; decides the site's day types")
    zone_code = models.CharField(max_length=40, help_text="pricing zone or node of the market")
    feeder_code = models.CharField(max_length=80, blank=True, help_text="network feeder that supplies the site")
    node_code = models.CharField(max_length=120, blank=True, help_text="network node the meter hangs on")
    import_limit_kw = models.FloatField()
    export_limit_kw = models.FloatField()
    baseline_method = models.CharField(max_length=40, default="CAISO_10_IN_10")

    objects = SiteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(import_limit_kw__gte=0) & Q(export_limit_kw__gte=0), name="site_limits_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["feeder_code"], name="sites_of_a_feeder")]

    def __str__(self) -> str:
        return self.code


class DeviceQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        if principal.sees_all:
            return self
        return self.filter(site__owner=principal.participant)

    def in_portfolio(self, portfolio_id: int, moment: datetime) -> Self:
        return self.filter(enrollments__portfolio_id=portfolio_id, enrollments__period__contains=moment)


class Device(models.Model):
    """One energy resource behind a site's meter, or that meter itself."""

    class Kind(models.TextChoices):
        METER = "METER", "site meter"
        LOAD = "LOAD", "load"
        FLEXIBLE_LOAD = "FLEXIBLE_LOAD", "flexible load"
        PV = "PV", "photovoltaics"
        WIND = "WIND", "wind"
        HYDRO = "HYDRO", "hydro"
        BIOMASS = "BIOMASS", "biomass or CHP"
        GENSET = "GENSET", "genset"
        BATTERY = "BATTERY", "battery"
        EV_CHARGER = "EV_CHARGER", "EV charger"
        HEAT_PUMP = "HEAT_PUMP", "heat pump"
        WATER_HEATER = "WATER_HEATER", "water heater"

    code = models.CharField(max_length=120, unique=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="devices")
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=200, blank=True)
    max_consumption_kw = models.FloatField(help_text="highest power it can take from the grid")
    max_production_kw = models.FloatField(help_text="highest power it can give to the grid")
    controllable = models.BooleanField(default=False)
    energy_capacity_kwh = models.FloatField(null=True, blank=True, help_text="storage kinds only")
    charge_efficiency = models.FloatField(default=1.0)
    discharge_efficiency = models.FloatField(default=1.0)
    ramp_kw_per_minute = models.FloatField(null=True, blank=True)
    min_on_minutes = models.PositiveSmallIntegerField(default=0, help_text="once switched on, it stays on so long")
    min_off_minutes = models.PositiveSmallIntegerField(default=0, help_text="once switched off, it stays off so long")
    cost_per_kwh = models.DecimalField(
        max_digits=9, decimal_places=5, default=0, help_text="wear or marginal cost, EUR"
    )
    self_discharge_pu_per_day = models.FloatField(default=0.0)
    suspended_at = models.DateTimeField(null=True, blank=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(max_consumption_kw__gte=0) & Q(max_production_kw__gte=0), name="device_ratings_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(charge_efficiency__gt=0, charge_efficiency__lte=1)
                & Q(discharge_efficiency__gt=0, discharge_efficiency__lte=1),
                name="device_efficiency_above_0_up_to_1",
            ),
            models.CheckConstraint(
                condition=~Q(kind="BATTERY") | Q(energy_capacity_kwh__gt=0), name="device_battery_has_a_capacity"
            ),
            models.UniqueConstraint(fields=["site"], condition=Q(kind="METER"), name="device_one_meter_a_site"),
        ]

    def __str__(self) -> str:
        return self.code
