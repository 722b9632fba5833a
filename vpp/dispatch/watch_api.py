"""For staff: alarms and how the running interval stands."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.pages import Pages
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked, flag
from vpp.dispatch import operations
from vpp.dispatch.models import Alarm
from vpp.dispatch.serializers import AcknowledgeSerializer, AlarmSerializer, DeviationSerializer
from vpp.enrollment.models import Portfolio
from vpp.lib import clock


class Alarms(ListAPIView):
    """Alarms, newest first; `?open=true` leaves out what somebody has seen."""

    serializer_class = AlarmSerializer
    pagination_class = Pages

    @extend_schema(parameters=[OpenApiParameter("open", bool)])
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Alarm]:
        alarms = Alarm.objects.visible_to(principal_of(self.request)).select_related("portfolio")
        if flag(self.request, "open"):
            alarms = alarms.open()
        return alarms.order_by("-raised_at", "-pk")


class AcknowledgeAlarm(APIView):
    permission_classes = [HasScope("devices:write")]  # type: ignore[list-item]

    @extend_schema(request=AcknowledgeSerializer, responses=AlarmSerializer)
    def post(self, request: Request, pk: int) -> Response:
        note = checked(AcknowledgeSerializer, request.data)["note"]
        alarm = get_object_or_404(Alarm.objects.visible_to(principal_of(request)), pk=pk)
        operations.acknowledge_alarm(alarm, at=clock.now(), actor=request.user, note=note)
        alarm.refresh_from_db()
        return Response(AlarmSerializer(alarm).data)


class Deviations(APIView):
    """Each portfolio inside the running interval: committed, expected from what is measured, and who goes short."""

    @extend_schema(responses=DeviationSerializer(many=True))
    def get(self, request: Request) -> Response:
        portfolios = list(Portfolio.objects.visible_to(principal_of(request)).order_by("code"))
        found = operations.deviations(portfolios, clock.now())
        return Response(DeviationSerializer(found, many=True).data)
