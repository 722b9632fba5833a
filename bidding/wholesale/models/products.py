"""What is sold in a market, as dated data."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import Q

from bidding.wholesale.models.markets import Market


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
        return f"{self.market.code} {self.code}"
