from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vpp.lib.units import energy_kwh
from vpp.settlement.models import Dispute, Payout, Performance, SettlementRun, Statement
from vpp.settlement.queries.report_views import delivered_kvar, ordered_kvar


class SettlementRunSerializer(serializers.ModelSerializer):
    portfolio = serializers.CharField(source="portfolio.code")

    class Meta:
        model = SettlementRun
        fields = [
            "id", "portfolio", "delivery_date", "version", "as_of", "state", "currency", "revenue", "penalty",
            "payouts", "fees", "margin", "findings", "rules", "checksum",
        ]  # fmt: skip


class PerformanceReportSerializer(serializers.ModelSerializer):
    """What a utility gets of a day: ordered and delivered per interval of its ask, share, price due and penalty.

    `ordered_kw` and `delivered_kw` are in the direction of the ask, non-negative where it was met. Reactive power
    is in `ordered_kvar` and `delivered_kvar` (injection positive; as the inverters tell it, null where none was asked).
    """

    power_kind = serializers.CharField(source="award.bid.ask.power_kind")
    ordered_kvar = serializers.SerializerMethodField()
    delivered_kvar = serializers.SerializerMethodField()
    ask = serializers.CharField(source="award.bid.ask.reference")
    utility = serializers.CharField(source="award.bid.ask.utility.code")
    congestion_point = serializers.CharField(source="award.bid.ask.congestion_point.code")
    direction = serializers.CharField(source="award.bid.ask.direction")
    delivery_date = serializers.DateField(source="run.delivery_date")
    version = serializers.IntegerField(source="run.version")
    state = serializers.CharField(source="run.state")
    ordered_kw = serializers.SerializerMethodField()
    delivered_kw = serializers.SerializerMethodField()
    price_per_mwh = serializers.ListField(child=serializers.FloatField(), source="award.price_per_mwh")

    class Meta:
        model = Performance
        fields = [
            "id", "ask", "utility", "congestion_point", "direction", "delivery_date", "version", "state", "power_kind",
            "ordered_kw", "ordered_kvar", "delivered_kw", "delivered_kvar", "baseline_kw", "metered_kw",
            "price_per_mwh", "committed_kwh", "delivered_kwh", "share", "raw_share", "revenue", "penalty", "currency",
        ]  # fmt: skip

    def get_ordered_kvar(self, performance: Performance) -> list[float] | None:
        return ordered_kvar(performance)

    def get_delivered_kvar(self, performance: Performance) -> list[float] | None:
        return delivered_kvar(performance)

    def get_ordered_kw(self, performance: Performance) -> list[float]:
        return [abs(power or 0.0) for power in performance.committed_kw]

    def get_delivered_kw(self, performance: Performance) -> list[float]:
        ordered = sum(power or 0.0 for power in performance.committed_kw)
        sign = -1.0 if ordered < 0 else 1.0
        return [sign * (power or 0.0) + 0.0 for power in performance.delivered_kw]  # nothing is 0.0, never -0.0


class PerformanceSerializer(serializers.ModelSerializer):
    """One award of a settled day. Energies are the sums of |power| over the day's intervals, in kWh.

    `committed_kwh` is what was called for: for reserve the activated part of what was awarded.
    """

    portfolio = serializers.CharField(source="run.portfolio.code")
    delivery_date = serializers.DateField(source="run.delivery_date")
    version = serializers.IntegerField(source="run.version")
    state = serializers.CharField(source="run.state")
    market = serializers.CharField(source="award.bid.product.market.code")
    product = serializers.CharField(source="award.bid.product.code")
    award = serializers.CharField(source="award.own_reference")
    bid = serializers.IntegerField(source="award.bid_id")
    ask = serializers.SerializerMethodField()
    bid_kwh = serializers.SerializerMethodField()
    awarded_kwh = serializers.SerializerMethodField()

    class Meta:
        model = Performance
        fields = [
            "id", "portfolio", "delivery_date", "version", "state", "market", "product", "product_kind", "award",
            "bid", "ask", "bid_kwh", "awarded_kwh", "committed_kwh", "delivered_kwh", "share", "raw_share", "revenue",
            "penalty", "currency", "components", "explanation",
        ]  # fmt: skip

    def get_ask(self, performance: Performance) -> str | None:
        ask = performance.award.bid.ask
        return ask.reference if ask else None

    def get_bid_kwh(self, performance: Performance) -> float:
        return _energy_kwh(performance.award.bid.up_kw, performance.award.bid.down_kw)

    def get_awarded_kwh(self, performance: Performance) -> float:
        return _energy_kwh(performance.award.up_kw, performance.award.down_kw)


def _energy_kwh(up_kw: list[float], down_kw: list[float]) -> float:
    """Energy of both directions; bids and awards are kept per quarter hour."""
    return round(energy_kwh(sum(up_kw) + sum(down_kw), 15), 6)


class DaySerializer(serializers.Serializer):
    """`?date=YYYY-MM-DD`."""

    date = serializers.DateField()


class SettlementFilterSerializer(serializers.Serializer):
    """`?date=`, `?portfolio=CODE`, `?all_versions=true`."""

    date = serializers.DateField(required=False)
    portfolio = serializers.CharField(required=False)
    all_versions = serializers.BooleanField(required=False, default=False)


class BaselineQuestionSerializer(serializers.Serializer):
    """One baseline question; the kernel reads and judges its fields."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("a question is a JSON object")
        return data


class PayoutSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.code")
    delivery_date = serializers.DateField(source="run.delivery_date")
    version = serializers.IntegerField(source="run.version")
    award = serializers.CharField(source="performance.award.own_reference")

    class Meta:
        model = Payout
        fields = [
            "id", "owner", "delivery_date", "version", "award", "gross", "fee", "total", "amount", "currency",
        ]  # fmt: skip


class StatementSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.code")

    class Meta:
        model = Statement
        fields = [
            "id", "number", "version", "state", "owner", "first_date", "last_date", "as_of", "previous_total", "total",
            "difference", "currency",
        ]  # fmt: skip


class DisputeReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=400)


class DisputeSerializer(serializers.ModelSerializer):
    ask = serializers.CharField(source="ask.reference")
    utility = serializers.CharField(source="utility.code")
    statement = serializers.CharField(source="statement.reference")

    class Meta:
        model = Dispute
        fields = ["id", "statement", "utility", "ask", "state", "opened_at", "evidence"]


class DisputeStepSerializer(serializers.Serializer):
    """`state`: ANSWERED, OPEN (again) or RESOLVED; `text`: what is said."""

    state = serializers.ChoiceField(choices=Dispute.State.choices)
    text = serializers.CharField(max_length=4000)


class UtilityStatementSerializer(serializers.Serializer):
    """`content`: the CSV text or the UFTP FlexSettlement XML; `utility` only where the caller is the aggregator."""

    reference = serializers.CharField(max_length=120)
    form = serializers.ChoiceField(choices=["CSV", "UFTP"])
    content = serializers.CharField(trim_whitespace=False)
    utility = serializers.CharField(required=False)
