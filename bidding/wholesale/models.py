"""Markets and their products as dated data, and prices with the moment they became known."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import Q

from vpp.accounts.models import Participant

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


class Direction(models.TextChoices):
    """Relative to the baseline: UP is less consumption or more production."""

    UP = "UP", "up (sell)"
    DOWN = "DOWN", "down (buy)"


class MarketQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal) -> Self:
        """All for the aggregator; a market operator's own; the distribution markets for a utility."""
        if principal.sees_all:
            return self
        participant = principal.participant
        if participant is None:
            return self.none()
        if participant.kind == Participant.Kind.UTILITY:
            return self.filter(kind=Market.Kind.DISTRIBUTION)
        if participant.kind == Participant.Kind.MARKET:
            return self.filter(operator=participant)
        return self.none()


class Market(models.Model):
    """A venue: its zone, time unit and gate. The time zone decides the delivery day."""

    class Kind(models.TextChoices):
        WHOLESALE = "WHOLESALE", "wholesale"
        DISTRIBUTION = "DISTRIBUTION", "distribution (asks of utilities)"

    class Location(models.TextChoices):
        """Where the devices of one bid may stand."""

        ZONE = "ZONE", "anywhere in the zone"
        FEEDER = "FEEDER", "behind one feeder"
        NODE = "NODE", "at one pricing node"

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Kind)
    operator = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="operated_markets"
    )
    zone_code = models.CharField(max_length=40)
    time_zone = models.CharField(max_length=64)
    mtu_minutes = models.PositiveSmallIntegerField(help_text="market time unit")
    gate_days_before = models.PositiveSmallIntegerField(default=1)
    gate_local_time = models.TimeField(help_text="wall clock of the market's zone")
    imbalance_spread_per_mwh = models.FloatField(
        default=40.0, help_text="expected cost of deviating from the position, on top of the energy price"
    )
    currency = models.CharField(max_length=3, default="EUR")
    gate_calendar = models.CharField(
        max_length=20, blank=True, help_text='country of the holidays, as "DE" or "US-CA"; empty: the gate is every day'
    )
    gate_on_working_days = models.BooleanField(
        default=False, help_text="the gate of a day after weekend or holiday lies on the working day before"
    )
    locational_rule = models.CharField(max_length=8, choices=Location, default=Location.ZONE)
    facts = models.JSONField(default=dict, blank=True, help_text="field: {status: read or recalled, source}")

    objects = MarketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(mtu_minutes__in=[5, 10, 15, 30, 60]), name="market_mtu_divides_an_hour"),
            models.CheckConstraint(condition=Q(imbalance_spread_per_mwh__gt=0), name="market_spread_positive"),
        ]

    def __str__(self) -> str:
        return self.code


class ProductQuerySet(models.QuerySet):
    def active_at(self, moment: datetime) -> Self:
        return self.filter(period__contains=moment)

    def in_zone(self, zone_code: str) -> Self:
        return self.filter(market__zone_code=zone_code)


class Product(models.Model):
    """What is sold in a market, with its sizes, price limits and rules, for a half-open period."""

    class Kind(models.TextChoices):
        ENERGY = "ENERGY", "energy"
        RESERVE_UP = "RESERVE_UP", "upward reserve"
        RESERVE_DOWN = "RESERVE_DOWN", "downward reserve"
        ASK = "ASK", "flexibility on ask"

    class PayRule(models.TextChoices):
        PAY_AS_CLEAR = "PAY_AS_CLEAR", "uniform clearing price"
        PAY_AS_BID = "PAY_AS_BID", "own price"

    class OrderForm(models.TextChoices):
        """The richest form the market takes; a quantity is a curve of one step."""

        QUANTITY = "QUANTITY", "one quantity and price"
        STEPS = "STEPS", "rising steps"
        LINEAR = "LINEAR", "points, straight between them"
        BLOCKS = "BLOCKS", "all-or-none blocks in an exclusive group"

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="products")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Kind)
    min_quantity_kw = models.FloatField()
    lot_kw = models.FloatField()
    tick = models.DecimalField(max_digits=8, decimal_places=4, help_text="price step")
    price_floor = models.FloatField(help_text="EUR/MWh, or EUR/MW/h for capacity")
    price_cap = models.FloatField()
    block_minutes = models.PositiveSmallIntegerField(help_text="length of one position; above 60 by the wall clock")
    endurance_minutes = models.PositiveSmallIntegerField(default=0, help_text="how long a full activation must last")
    activation_pu = models.FloatField(default=0.0, help_text="expected share that is called")
    full_activation_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="from the call to full delivery; a device whose owner wants longer notice cannot serve it"
    )
    pay_rule = models.CharField(max_length=12, choices=PayRule, default=PayRule.PAY_AS_CLEAR)
    reference_price = models.FloatField(
        null=True, blank=True, help_text="expected before any price is known; using it is reported"
    )
    is_symmetric = models.BooleanField(default=False, help_text="one quantity, held both ways")
    order_form = models.CharField(max_length=8, choices=OrderForm, default=OrderForm.QUANTITY)
    max_points = models.PositiveSmallIntegerField(default=1, help_text="price-quantity points a block may have")
    loop_blocks = models.BooleanField(
        default=False, help_text="a block may buy in one run and sell in another, both or none"
    )
    residual_demand = models.JSONField(
        null=True,
        blank=True,
        help_text="how our own quantity moves the price: [[up to kW, change of the price], ...], the change of a sale; "
        "a purchase moves it the other way",
    )
    max_quantity_kw = models.FloatField(null=True, blank=True, help_text="largest quantity of one bid")
    eligible_kinds = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="device kinds; empty means every kind"
    )
    min_device_kw = models.FloatField(null=True, blank=True, help_text="smallest device that may take part")
    max_device_kw = models.FloatField(null=True, blank=True, help_text="largest device that may take part")
    consumption_only = models.BooleanField(default=False, help_text="reduction of load only, no export is paid")
    must_offer_kw = models.FloatField(
        default=0.0, help_text="a capacity obligation: so much must be offered in the obligation hours"
    )
    must_offer_hours = ArrayField(
        models.PositiveSmallIntegerField(), default=list, blank=True, help_text="local hours of the obligation, 0 to 23"
    )
    source = models.CharField(max_length=300, blank=True, help_text="where the rule was read")
    facts = models.JSONField(default=dict, blank=True, help_text="field: {status: read or recalled, source}")
    period = DateTimeRangeField(help_text="UTC; no end means until further notice")

    objects = ProductQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["market", "code"], name="product_once_a_market"),
            models.CheckConstraint(
                condition=Q(lot_kw__gt=0) & Q(min_quantity_kw__gte=0), name="product_sizes_positive"
            ),
            models.CheckConstraint(
                condition=Q(price_floor__lte=models.F("price_cap")), name="product_price_limits_in_order"
            ),
            models.CheckConstraint(
                condition=Q(activation_pu__gte=0, activation_pu__lte=1), name="product_activation_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.market_id}/{self.code}"


class PriceQuerySet(models.QuerySet):
    def known_at(self, moment: datetime) -> Self:
        return self.filter(available_at__lte=moment)


class Price(models.Model):
    """A price as published at one moment; a correction is a new row with a later `available_at`."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="prices")
    interval_start = models.DateTimeField()
    price = models.FloatField(help_text="EUR/MWh, or EUR/MW/h for capacity")
    source = models.CharField(max_length=80, help_text='as "modelled price" or the name of a file')
    available_at = models.DateTimeField()

    objects = PriceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "interval_start", "available_at"], name="price_once_a_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.interval_start:%Y-%m-%d %H:%M} {self.price}"
