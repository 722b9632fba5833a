"""For owners: take a device back now, lend it again, and see what was done with it."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.dispatch import operations, queries
from vpp.dispatch.serializers import (
    ConsentWithdrawalSerializer,
    DeviceDayQuerySerializer,
    DeviceDaySerializer,
    OptOutSerializer,
    OwnerWishesAnswerSerializer,
    OwnerWishesSerializer,
    ReasonSerializer,
)
from vpp.enrollment.models import Device, OwnerTerms, Site
from vpp.enrollment.ownership import theirs_since
from vpp.enrollment.terms import WISHES
from vpp.lib import clock
from vpp.lib.errors import NotFound
from vpp.lib.periods import DeliveryDay


def own_device(request: Request, code: str) -> Device:
    """The caller's own device, or any for the aggregator; 404 otherwise."""
    principal = principal_of(request)
    devices = Device.objects.visible_to(principal).select_related("site")
    if not principal.sees_all:
        devices = devices.filter(site__owner=principal.participant)
    return get_object_or_404(devices, code=code)


class OptOut(APIView):
    """The owner says no, in a running event too: from now on the device is on its own."""

    permission_classes = [HasScope("devices:write")]  # type: ignore[list-item]
    opted_out = True

    @extend_schema(request=ReasonSerializer, responses=OptOutSerializer)
    def post(self, request: Request, code: str) -> Response:
        reason = checked(ReasonSerializer, request.data)["reason"]
        device, at = own_device(request, code), clock.now()
        cycles = operations.set_device_opt_out(
            device, opted_out=self.opted_out, at=at, actor=request.user, reason=reason
        )
        ids = [cycle.pk for cycle in cycles]
        answer = {"device": device.code, "opted_out": self.opted_out, "at": at, "cycles": ids}
        return Response(OptOutSerializer(answer).data)


class OptIn(OptOut):
    """The owner lends the device again."""

    opted_out = False


class ConsentWithdrawal(APIView):
    """The owner agrees no more: no device of the site is planned or dispatched from now on."""

    permission_classes = [HasScope("devices:write")]  # type: ignore[list-item]

    @extend_schema(request=ReasonSerializer, responses=ConsentWithdrawalSerializer)
    def post(self, request: Request, code: str) -> Response:
        reason = checked(ReasonSerializer, request.data)["reason"]
        principal, at = principal_of(request), clock.now()
        sites = Site.objects.visible_to(principal)
        if not principal.sees_all:
            sites = sites.filter(owner=principal.participant)
        site = get_object_or_404(sites, code=code)
        cycles = operations.withdraw_site_consent(site, at=at, actor=request.user, reason=reason)
        answer = {"site": site.code, "at": at, "cycles": [cycle.pk for cycle in cycles]}
        return Response(ConsentWithdrawalSerializer(answer).data)


class OwnerWishes(APIView):
    """Departure, comfort band and floor of a device: see them, change them; the plant keeps to them at once."""

    permission_classes = [HasScope("devices:write")]  # type: ignore[list-item]

    @extend_schema(responses=OwnerWishesAnswerSerializer)
    def get(self, request: Request, code: str) -> Response:
        return self._answer(own_device(request, code))

    @extend_schema(request=OwnerWishesSerializer, responses=OwnerWishesAnswerSerializer)
    def put(self, request: Request, code: str) -> Response:
        wishes = checked(OwnerWishesSerializer, request.data)
        device = own_device(request, code)
        reason = wishes.pop("reason")
        operations.set_device_terms(device, wishes, at=clock.now(), actor=request.user, reason=reason)
        return self._answer(device)

    def _answer(self, device: Device) -> Response:
        at = clock.now()
        terms = OwnerTerms.objects.filter(device=device, period__contains=at).first() or OwnerTerms(device=device)
        names = (*WISHES, "opted_out")
        told = {"device": device.code, "at": at} | {name: getattr(terms, name) for name in names}
        return Response(OwnerWishesAnswerSerializer(told).data)


class DeviceDay(APIView):
    """What was asked of a device on a day, and what it did."""

    @extend_schema(parameters=[DeviceDayQuerySerializer], responses=DeviceDaySerializer)
    def get(self, request: Request, code: str) -> Response:
        asked = checked(DeviceDayQuerySerializer, request.query_params)
        device = own_device(request, code)
        since = theirs_since(principal_of(request), [device.site_id]).get(device.site_id)
        found = queries.device_day(device, asked.get("date"), clock.now())
        if since is not None and DeliveryDay(found.date, device.site.time_zone).start < since:
            raise NotFound(f"{device.code} was not yours on {found.date}")
        return Response(DeviceDaySerializer(found).data)
