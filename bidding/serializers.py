"""Shapes of what bidding says; JSON keys carry their units."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bidding.models import Ask, Award, Bid, BidOption, FlexContract, Market, Product


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = [
            "id", "code", "name", "kind", "min_quantity_kw", "lot_kw", "tick", "price_floor", "price_cap",
            "block_minutes", "endurance_minutes", "full_activation_minutes", "activation_pu", "pay_rule",
            "is_symmetric", "order_form", "max_points", "loop_blocks", "residual_demand", "max_quantity_kw",
            "eligible_kinds", "min_device_kw", "max_device_kw", "consumption_only", "must_offer_kw", "must_offer_hours",
            "facts",
        ]  # fmt: skip


class MarketSerializer(serializers.ModelSerializer):
    gate_local_time = serializers.SerializerMethodField(help_text="HH:MM:SS, wall clock of the market's zone")
    products = ProductSerializer(many=True)

    class Meta:
        model = Market
        fields = [
            "code", "name", "kind", "zone_code", "time_zone", "mtu_minutes", "gate_days_before", "gate_local_time",
            "gate_calendar", "gate_on_working_days", "locational_rule", "currency", "facts", "products",
        ]  # fmt: skip

    def get_gate_local_time(self, market: Market) -> str:
        return market.gate_local_time.isoformat()


class AwardSerializer(serializers.ModelSerializer):
    """A commit: an award, with the bid it came from."""

    market = serializers.CharField(source="bid.product.market.code")
    product = serializers.CharField(source="bid.product.code")
    ask = serializers.CharField(source="bid.ask.reference", default=None, allow_null=True)
    delivery_date = serializers.DateField(source="bid.delivery_date")
    portfolio = serializers.CharField(source="bid.portfolio.code")
    option = serializers.CharField(source="ordered_option.option.reference", default=None, allow_null=True)
    activation_pu = serializers.DecimalField(
        source="ordered_option.activation_pu", max_digits=3, decimal_places=2, default=None, allow_null=True
    )
    kvar = serializers.ListField(
        source="ordered_option.option.kvar", child=serializers.FloatField(), default=None, allow_null=True
    )
    source_reference = serializers.CharField(source="own_reference")
    cancelled_at = serializers.DateTimeField(source="cancellation.cancelled_at", default=None, allow_null=True)
    cancellation_reference = serializers.CharField(source="cancellation.own_reference", default=None, allow_null=True)
    cancellation_reason = serializers.CharField(source="cancellation.reason", default=None, allow_null=True)

    class Meta:
        model = Award
        fields = [
            "id", "bid", "market", "product", "ask", "option", "activation_pu", "portfolio", "delivery_date", "up_kw",
            "down_kw", "kvar",
            "price_per_mwh", "source_reference", "awarded_at", "corrects", "cancelled_at", "cancellation_reference",
            "cancellation_reason",
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
    ask = serializers.CharField(source="ask.reference", default=None, allow_null=True)
    award = serializers.IntegerField(source="award_id", allow_null=True)
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
        return [bid.pk for bid in ask.bids.all() if bid.state in Bid.SENT_STATES and bid.submitted_at]


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


class ActivationAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    award = serializers.IntegerField()
    interval_start = serializers.DateTimeField()
    activated_pu = serializers.FloatField()


class PricesAnswer(serializers.Serializer[Any]):
    stored = serializers.IntegerField()


class CancelAnswer(serializers.Serializer[Any]):
    cancelled = AwardSerializer(many=True)


class AwardsAnswer(serializers.Serializer[Any]):
    awarded = AwardSerializer(many=True)
    not_cleared = serializers.ListField(child=serializers.IntegerField())
