"""Setpoints for gateways, their answers, and what staff see of a dispatch."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.pages import Pages
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import check_choice, checked
from vpp.dispatch import operations, queries
from vpp.dispatch.long_poll import wait_for_news
from vpp.dispatch.models import ControlCycle, DeviceStatus
from vpp.dispatch.outbox import or_none
from vpp.dispatch.serializers import (
    AcknowledgementsSerializer,
    AnsweredSerializer,
    ControlCycleSerializer,
    DeviceStatusSerializer,
    DispatchQuerySerializer,
    OutgoingSerializer,
    SetpointQuerySerializer,
)
from vpp.lib import clock


class Setpoints(APIView):
    """For gateways behind NAT: poll (with `wait`: until something comes), act, acknowledge."""

    permission_classes = [HasScope("dispatch:read")]  # type: ignore[list-item]

    @extend_schema(
        parameters=[SetpointQuerySerializer],
        responses=OutgoingSerializer,
        description="Setpoints in force for your devices in an interval, as columns. Planned ones count as sent."
        " Devices that are linked to another kind of gateway (MQTT in bulk, OCPP, SunSpec) are left out.",
    )
    def get(self, request: Request) -> Response:
        asked = checked(SetpointQuerySerializer, request.query_params)
        latest: list[operations.Outgoing] = []

        def fetch() -> int:
            latest[:] = [
                operations.fetch_setpoints(
                    principal_of(request), asked["interval"], clock.now(), everything=asked["in_force"]
                )
            ]
            return latest[0].setpoints.size

        wait_for_news(fetch, asked["wait"])
        outgoing = latest[0]
        found = outgoing.setpoints
        columns = {
            "id": found.id.tolist(),
            "device": outgoing.codes,
            "interval_start": [start.isoformat() for start in found.interval_start],
            "sequence": found.sequence.tolist(),
            "target_kw": found.target_kw.tolist(),
            "target_kvar": or_none(found.target_kvar),
            "released": found.released.tolist(),
            "state": found.state,
            "expires_at": [expiry.isoformat() for expiry in found.expires_at],
        }
        return Response({"interval": asked["interval"].isoformat(), "setpoints": columns})


class Acknowledgements(APIView):
    permission_classes = [HasScope("dispatch:read")]  # type: ignore[list-item]

    @extend_schema(
        request=AcknowledgementsSerializer,
        responses=AnsweredSerializer,
        description="Accepted setpoint ids, and refused ones with a reason. Answering twice changes nothing.",
    )
    def post(self, request: Request) -> Response:
        message = AcknowledgementsSerializer(data=request.data)
        message.is_valid(raise_exception=True)
        answered = operations.answer_setpoints(
            principal_of(request),
            message.validated_data["accepted"],
            message.refusals(),
            clock.now(),
            message.applied_kvar(),
        )
        return Response(AnsweredSerializer(answered).data)


class Dispatches(ListAPIView):
    """Control cycles of a day, newest first: what was committed, placed and missing."""

    serializer_class = ControlCycleSerializer
    pagination_class = Pages

    @extend_schema(parameters=[DispatchQuerySerializer])
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ControlCycle]:
        asked = checked(DispatchQuerySerializer, self.request.query_params)
        cycles = queries.cycles_of(principal_of(self.request), **asked)
        return cycles.order_by("-interval_start", "portfolio_id", "-revision")


class DeviceStates(ListAPIView):
    """Devices that are or were out of dispatch, as far as you may see them."""

    serializer_class = DeviceStatusSerializer
    pagination_class = Pages

    @extend_schema(parameters=[OpenApiParameter("state", str, enum=DeviceStatus.State.values)])
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[DeviceStatus]:
        states = DeviceStatus.objects.visible_to(principal_of(self.request)).select_related("device")
        if state := self.request.query_params.get("state"):
            check_choice(DeviceStatus, "state", "state", state)
            states = states.filter(state=state)
        return states.order_by("device_id")
