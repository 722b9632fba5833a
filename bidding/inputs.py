"""Shapes of what bidding hears; JSON keys carry their units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from bidding.models import Ask, Direction
from vpp.accounts.fields import Moment


class DayInput(serializers.Serializer[Any]):
    date = serializers.DateField()


class AskInput(serializers.Serializer[Any]):
    """quantity_kw: one value per quarter hour of the delivery day in the market's zone, 0 outside the window."""

    reference = serializers.CharField(max_length=120)
    congestion_point = serializers.CharField(max_length=120)
    direction = serializers.ChoiceField(choices=Direction.choices)
    delivery_date = serializers.DateField()
    interval_minutes = serializers.IntegerField(min_value=1, max_value=1440)
    quantity_kw = serializers.ListField(child=serializers.FloatField(), min_length=1, max_length=300)
    ceiling_price_per_mwh = serializers.FloatField(min_value=0)
    gate_at = Moment()
    expires_at = Moment()
    revision = serializers.IntegerField(required=False, default=1, min_value=1, max_value=1_000_000)
    power_kind = serializers.ChoiceField(choices=Ask.PowerKind.choices, required=False, default=Ask.PowerKind.REAL)
    service_kind = serializers.CharField(required=False, default=Ask.ServiceKind.CONGESTION.value, max_length=40)
    quantity_kvar = serializers.ListField(
        child=serializers.FloatField(), required=False, allow_null=True, default=None, max_length=300
    )
    recovery_limit_kw = serializers.ListField(
        child=serializers.FloatField(allow_null=True), required=False, allow_null=True, default=None, max_length=300
    )
    topology_version = serializers.CharField(required=False, allow_blank=True, default="", max_length=80)


class ReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class NeededReasonInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class BlockInput(serializers.Serializer[Any]):
    """All or none of it. price_per_mwh: of what it sells, at least; of what it only buys, at most."""

    name = serializers.CharField(max_length=40)
    price_per_mwh = serializers.FloatField()
    buy_price_per_mwh = serializers.FloatField(required=False, help_text="of a loop's purchases, at most")
    up_kw = serializers.ListField(child=serializers.FloatField(min_value=0), max_length=300)
    down_kw = serializers.ListField(child=serializers.FloatField(min_value=0), max_length=300)


class BidEditInput(NeededReasonInput):
    """What is to be different; what is left out stays. A curve per market block: rising [[price, kW], ...].

    blocks: an exclusive group, where the product takes one.
    """

    up_kw = serializers.ListField(child=serializers.FloatField(min_value=0), required=False, max_length=300)
    down_kw = serializers.ListField(child=serializers.FloatField(min_value=0), required=False, max_length=300)
    price_per_mwh = serializers.ListField(child=serializers.FloatField(), required=False, max_length=300)
    curve = serializers.ListField(
        child=serializers.ListField(
            child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)
        ),
        required=False,
        max_length=300,
    )
    blocks = BlockInput(many=True, required=False, allow_empty=False)


class AcceptInput(serializers.Serializer[Any]):
    """Without `option` the first one is ordered; `activation_pu` orders part of it."""

    reference = serializers.CharField(required=False, allow_blank=True, default="", max_length=160)
    option = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)
    activation_pu = serializers.DecimalField(
        required=False, default=Decimal(1), max_digits=3, decimal_places=2, min_value=Decimal("0.01"), max_value=1
    )


class AwardRowInput(serializers.Serializer[Any]):
    """One answer to one bid; all quantities zero means not cleared."""

    bid = serializers.IntegerField(min_value=1)
    reference = serializers.CharField(max_length=160)
    up_kw = serializers.ListField(child=serializers.FloatField(min_value=0), max_length=300)
    down_kw = serializers.ListField(child=serializers.FloatField(min_value=0), max_length=300)
    price_per_mwh = serializers.ListField(child=serializers.FloatField(), max_length=300)
    corrects = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=160,
        help_text="the reference of the result of this bid whose place this one takes",
    )


class AwardsInput(serializers.Serializer[Any]):
    awards = AwardRowInput(many=True, allow_empty=False)


class CancelRowInput(serializers.Serializer[Any]):
    """reference: the market's own, of the cancellation; several awards may go under one."""

    award = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    reference = serializers.CharField(max_length=160)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class CancelInput(serializers.Serializer[Any]):
    cancellations = CancelRowInput(many=True, allow_empty=False)


class PriceRowInput(serializers.Serializer[Any]):
    interval_start = Moment()
    price = serializers.FloatField()


class PricesInput(serializers.Serializer[Any]):
    """available_at: when the market published them, not later than now; empty means now."""

    product = serializers.CharField(max_length=40)
    source = serializers.CharField(max_length=80)  # type: ignore[assignment]
    available_at = Moment(required=False)
    prices = PriceRowInput(many=True, allow_empty=False)


class ActivationInput(serializers.Serializer[Any]):
    award = serializers.IntegerField(min_value=1)
    interval_start = Moment()
    activated_pu = serializers.FloatField(min_value=0, max_value=1)
