"""GET /api/v1/feeders and /congestion-points: all for the aggregator, its own for a utility."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView, RetrieveAPIView

from vpp.accounts.pages import Pages
from vpp.accounts.principals import principal_of
from vpp.network.models import CongestionPoint, Feeder
from vpp.network.serializers import CongestionPointSerializer, FeederSerializer


class FeederList(ListAPIView):
    """Feeders, by code."""

    serializer_class = FeederSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Feeder]:
        feeders = Feeder.objects.visible_to(principal_of(self.request))
        return feeders.select_related("utility", "substation").order_by("code")


class CongestionPointList(ListAPIView):
    """Congestion points, by code; `?feeder=CODE` narrows the list."""

    serializer_class = CongestionPointSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[CongestionPoint]:
        points = CongestionPoint.objects.visible_to(principal_of(self.request))
        if feeder := self.request.query_params.get("feeder"):
            points = points.filter(feeder__code=feeder)
        return points.select_related("utility", "feeder", "transformer", "branch").order_by("code")


class CongestionPointDetail(RetrieveAPIView):
    serializer_class = CongestionPointSerializer
    lookup_field = "code"

    def get_queryset(self) -> QuerySet[CongestionPoint]:
        points = CongestionPoint.objects.visible_to(principal_of(self.request))
        return points.select_related("utility", "feeder", "transformer", "branch")
