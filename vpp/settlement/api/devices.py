"""What a device earned: its part of each settled award, for its owner and the aggregator."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import F, Max
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.enrollment.models import Device
from vpp.enrollment.ownership import theirs_since
from vpp.lib.periods import delivery_day_of
from vpp.settlement.models import DevicePerformance, SettlementRun


class EarningSerializer(serializers.Serializer):
    """credit: the device's part of the award's revenue, before its owner's contract splits it."""

    delivery_date = serializers.DateField(source="run.delivery_date")
    award = serializers.IntegerField(source="award_id")
    delivered_kwh = serializers.DecimalField(max_digits=16, decimal_places=6)
    credit = serializers.DecimalField(max_digits=14, decimal_places=2)


class EarningsSerializer(serializers.Serializer):
    device = serializers.CharField()
    total_credit = serializers.DecimalField(max_digits=14, decimal_places=2)
    rows = EarningSerializer(many=True)


class PeriodSerializer(serializers.Serializer):
    start = serializers.DateField(source="first")
    end = serializers.DateField(source="last")


class DeviceEarnings(APIView):
    """By delivery day and award, from the newest settlement of each day; `start` and `end` are included."""

    @extend_schema(
        parameters=[OpenApiParameter("start", str), OpenApiParameter("end", str)], responses=EarningsSerializer
    )
    def get(self, request: Request, code: str) -> Response:
        principal, period = principal_of(request), checked(PeriodSerializer, request.query_params)
        devices = Device.objects.visible_to(principal)
        if not principal.sees_all:
            devices = devices.filter(site__owner=principal.participant)
        device = get_object_or_404(devices.select_related("site"), code=code)
        since = theirs_since(principal, [device.site_id]).get(device.site_id)
        own = delivery_day_of(since, device.site.time_zone).date if since else period["first"]
        days = (max(period["first"], own), period["last"])
        newest = (
            SettlementRun.objects.filter(delivery_date__range=days)
            .values("portfolio_id", "delivery_date")
            .annotate(newest=Max("version"))
        )
        runs = [
            SettlementRun.objects.get(
                portfolio_id=one["portfolio_id"], delivery_date=one["delivery_date"], version=one["newest"]
            ).pk
            for one in newest
        ]
        rows = list(
            DevicePerformance.objects.filter(device=device, run_id__in=runs)
            .select_related("run")
            .order_by(F("run__delivery_date"), "award_id")
        )
        total = sum((row.credit for row in rows), Decimal(0))
        return Response(EarningsSerializer({"device": device.code, "total_credit": total, "rows": rows}).data)
