"""GET /api/v1/sites, /devices, /portfolios: what the caller may see."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView, RetrieveAPIView

from vpp.accounts.pages import Pages
from vpp.accounts.principals import principal_of
from vpp.enrollment.models import Device, Portfolio, Site
from vpp.enrollment.serializers import DeviceSerializer, PortfolioSerializer, SiteSerializer


class SiteList(ListAPIView):
    """Sites, by code; an owner sees their own."""

    serializer_class = SiteSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Site]:
        return Site.objects.visible_to(principal_of(self.request)).select_related("owner").order_by("code")


class SiteDetail(RetrieveAPIView):
    serializer_class = SiteSerializer
    lookup_field = "code"

    def get_queryset(self) -> QuerySet[Site]:
        return Site.objects.visible_to(principal_of(self.request)).select_related("owner")


class DeviceList(ListAPIView):
    """Devices, by code; `?site=CODE`, `?kind=BATTERY` narrow the list."""

    serializer_class = DeviceSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Device]:
        devices = Device.objects.visible_to(principal_of(self.request)).select_related("site").order_by("code")
        if site := self.request.query_params.get("site"):
            devices = devices.filter(site__code=site)
        if kind := self.request.query_params.get("kind"):
            devices = devices.filter(kind=kind)
        return devices


class DeviceDetail(RetrieveAPIView):
    serializer_class = DeviceSerializer
    lookup_field = "code"

    def get_queryset(self) -> QuerySet[Device]:
        return Device.objects.visible_to(principal_of(self.request)).select_related("site")


class PortfolioList(ListAPIView):
    """Portfolios; the aggregator's own business."""

    serializer_class = PortfolioSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Portfolio]:
        return Portfolio.objects.visible_to(principal_of(self.request)).order_by("code")
