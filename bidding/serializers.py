"""Shapes of what bidding says and hears; JSON keys carry their units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from bidding.models import Ask, Award, Bid, BidOption, Direction, FlexContract, Market, Product


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = [
            "id", "code", "name", "kind", "min_quantity_kw", "lot_kw", "tick", "price_floor", "price_cap",
            "block_minutes", "endurance_minutes", "full_activation_minutes", "activation_pu", "pay_rule",
            "is_symmetric", "order_form", "max_points", "loop_blocks", "residual_demand", "max_quantity_kw",
            "eligible_kinds", "min_device_kw", "max_device_kw", "consumption_only", "facts",
        ]  # fmt: skip


class MarketSerializer(serializers.ModelSerializer):
    products = ProductSerializer(many=True)

    class Meta:
        model = Market
        fields = [
            "code", "name", "kind", "zone_code", "time_zone", "mtu_minutes", "gate_days_before", "gate_local_time",
            "gate_calendar", "gate_on_working_days", "locational_rule", "currency", "facts", "products",
        ]  # fmt: skip


class AwardSerializer(serializers.ModelSerializer):
    """A commit: an award, with the bid it came from."""

    market = serializers.CharField(source="bid.product.market.code")
    product = serializers.CharField(source="bid.product.code")
    ask = serializers.CharField(source="bid.ask.reference", default=None)
    delivery_date = serializers.DateField(source="bid.delivery_date")
    portfolio = serializers.CharField(source="bid.portfolio.code")
    option = serializers.CharField(source="ordered_option.option.reference", default=None)
    activation_pu = serializers.DecimalField(
        source="ordered_option.activation_pu", max_digits=3, decimal_places=2, default=None
    )
    kvar = serializers.ListField(source="ordered_option.option.kvar", child=serializers.FloatField(), default=None)

    class Meta:
        model = Award
        fields = [
            "id", "bid", "market", "product", "ask", "option", "activation_pu", "portfolio", "delivery_date", "up_kw",
            "down_kw", "kvar",
            "price_per_mwh", "source_reference", "awarded_at",
        ]  # fmt: skip


class BidOptionSerializer(serializers.ModelSerializer):
    """One of several exclusive ways to take a bid; `price` is that of the whole option in the market's currency."""

    class Meta:
        model = BidOption
        fields = [
            "reference", "up_kw", "down_kw", "kvar", "recovery_kw", "price_per_mwh", "price", "min_activation_pu",
        ]  # fmt: skip


class FlexContractSerializer(serializers.ModelSerializer):
    congestion_point = serializers.CharField(source="congestion_point.code")
    utility = serializers.CharField(source="utility.code")

    class Meta:
        model = FlexContract
        fields = [
            "contract_id", "utility", "congestion_point", "direction", "service_kind", "power_kw", "price_per_mwh",
            "first_date", "last_date",
        ]  # fmt: skip


class BidSerializer(serializers.ModelSerializer):
    """Quantities per quarter hour of the delivery day, relative to the baseline; reserve prices are EUR/MW/h."""

    market = serializers.CharField(source="product.market.code")
    product = serializers.CharField(source="product.code")
    product_kind = serializers.CharField(source="product.kind")
    block_minutes = serializers.IntegerField(source="product.block_minutes")
    order_form = serializers.CharField(source="product.order_form")
    time_zone = serializers.CharField(source="product.market.time_zone")
    portfolio = serializers.CharField(source="portfolio.code")
    ask = serializers.CharField(source="ask.reference", default=None)
    award = serializers.IntegerField(source="award.id", default=None)
    options = BidOptionSerializer(many=True)

    class Meta:
        model = Bid
        fields = [
            "id", "natural_key", "market", "product", "product_kind", "block_minutes", "order_form", "time_zone",
            "portfolio", "ask", "delivery_date", "version", "state", "up_kw", "down_kw", "price_per_mwh", "curve",
            "blocks", "confidence", "shortfall_risk", "gap", "options", "submitted_at", "award",
        ]  # fmt: skip


class AskSerializer(serializers.ModelSerializer):
    congestion_point = serializers.CharField(source="congestion_point.code")
    utility = serializers.CharField(source="utility.code")
    bids = serializers.SerializerMethodField()

    class Meta:
        model = Ask
        fields = [
            "reference", "revision", "utility", "congestion_point", "power_kind", "service_kind", "direction",
            "topology_version", "quantity_kvar", "recovery_limit_kw", "delivery_date", "time_zone", "interval_minutes",
            "quantity_kw", "ceiling_price_per_mwh", "gate_at", "expires_at", "state", "created_at", "bids",
        ]  # fmt: skip

    def get_bids(self, ask: Ask) -> list[int]:
        return [bid.pk for bid in ask.bids.all() if bid.state in Bid.SENT_STATES]


class DayInput(serializers.Serializer[Any]):
    date = serializers.DateField()


class BookProblemSerializer(serializers.Serializer[Any]):
    portfolio_code = serializers.CharField()
    rule = serializers.CharField()
    interval_start = serializers.DateTimeField(allow_null=True)
    value_kw = serializers.FloatField()
    limit_kw = serializers.FloatField()
    label = serializers.CharField()  # type: ignore[assignment]


class BookCheckAnswer(serializers.Serializer[Any]):
    date = serializers.DateField()
    bids = serializers.IntegerField()
    problems = BookProblemSerializer(many=True)


class AskInput(serializers.Serializer[Any]):
    """quantity_kw: one value per quarter hour of the delivery day in the market's zone, 0 outside the window."""

    reference = serializers.CharField(max_length=120)
    congestion_point = serializers.CharField(max_length=120)
    direction = serializers.ChoiceField(choices=Direction.choices)
    delivery_date = serializers.DateField()
    interval_minutes = serializers.IntegerField(min_value=1, max_value=1440)
    quantity_kw = serializers.ListField(child=serializers.FloatField(), min_length=1, max_length=300)
    ceiling_price_per_mwh = serializers.FloatField(min_value=0)
    gate_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
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


class AwardsInput(serializers.Serializer[Any]):
    awards = AwardRowInput(many=True, allow_empty=False)


class PriceRowInput(serializers.Serializer[Any]):
    interval_start = serializers.DateTimeField()
    price = serializers.FloatField()


class PricesInput(serializers.Serializer[Any]):
    """available_at: when the market published them, not later than now; empty means now."""

    product = serializers.CharField(max_length=40)
    source = serializers.CharField(max_length=80)  # type: ignore[assignment]
    available_at = serializers.DateTimeField(required=False)
    prices = PriceRowInput(many=True, allow_empty=False)


class ActivationInput(serializers.Serializer[Any]):
    award = serializers.IntegerField(min_value=1)
    interval_start = serializers.DateTimeField()
    activated_pu = serializers.FloatField(min_value=0, max_value=1)


class ActivationAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    award = serializers.IntegerField()
    interval_start = serializers.DateTimeField()
    activated_pu = serializers.FloatField()


class PricesAnswer(serializers.Serializer[Any]):
    stored = serializers.IntegerField()


class AwardsAnswer(serializers.Serializer[Any]):
    awarded = AwardSerializer(many=True)
    not_cleared = serializers.ListField(child=serializers.IntegerField())
