"""What the aggregator may use, and under which terms: sites, devices, owner terms, contracts, portfolios."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from vpp.accounts.models import Participant

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


def one_point_range(column: str) -> Func:
    """An id as a one-point int8range, so that an exclusion constraint needs no btree_gist extension."""
    return Func(F(column), F(column), Value("[]"), function="int8range")


def one_at_a_time(*, name: str, column: str) -> ExclusionConstraint:
    """No two rows of the same `column` may overlap in their `period`."""
    return ExclusionConstraint(
        name=name,
        expressions=[(one_point_range(column), RangeOperators.OVERLAPS), ("period", RangeOperators.OVERLAPS)],
    )


class PeriodQuerySet(models.QuerySet):
    """Rows that hold for a half-open `period`."""

    def active_at(self, moment: datetime) -> Self:
        return self.filter(period__contains=moment)


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


class PortfolioQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """Portfolios are the aggregator's own business."""
        return self if principal.sees_all else self.none()


class Portfolio(models.Model):
    """Devices sold together as one market resource, within one zone or one feeder."""

    code = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    zone_code = models.CharField(max_length=40)
    feeder_code = models.CharField(max_length=80, blank=True, help_text="empty: anywhere in the zone")
    time_zone = models.CharField(max_length=64)
    min_kw = models.FloatField(default=100.0, help_text="smallest flexible power the market admits")

    objects = PortfolioQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(min_kw__gt=0), name="portfolio_minimum_positive")]

    def __str__(self) -> str:
        return self.code


class Enrollment(models.Model):
    """A device's membership of one portfolio for a half-open period."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="enrollments")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="enrollments")
    period = DateTimeRangeField(help_text="UTC; no end means until further notice")

    objects = PeriodQuerySet.as_manager()

    class Meta:
        constraints = [one_at_a_time(name="enrollment_one_portfolio_at_a_time", column="device_id")]

    def __str__(self) -> str:
        return f"{self.device_id} in {self.portfolio_id} {self.period}"


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

    def __str__(self) -> str:
        return f"{self.site_id}: {self.document} by {self.given_by}"


class Prequalification(models.Model):
    """A device's test: it was asked for a change of power over a window, and its readings tell what it did."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="prequalifications")
    window_start = models.DateTimeField()
    window_minutes = models.PositiveSmallIntegerField()
    asked_up_kw = models.FloatField(help_text="up positive: less consumption or more production")
    delivered_up_kw = models.FloatField(help_text="mean before the window less mean inside it")
    passed = models.BooleanField()
    judged_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "window_start"], name="prequalification_once_a_window"),
            models.CheckConstraint(condition=Q(window_minutes__gt=0), name="prequalification_window_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.device_id} {self.window_start:%Y-%m-%d %H:%MZ}: {'passed' if self.passed else 'failed'}"
