"""Settled days, performances, payouts and their trace; baseline and component questions."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.pages import Pages
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.lib.errors import DomainError
from vpp.settlement import queries
from vpp.settlement.models import Payout, Performance, SettlementRun
from vpp.settlement.serializers import (
    BaselineQuestionSerializer,
    DaySerializer,
    PayoutSerializer,
    PerformanceReportSerializer,
    PerformanceSerializer,
    SettlementFilterSerializer,
    SettlementRunSerializer,
)


class BadBaselineQuestion(DomainError):
    code = "bad_baseline_question"


@extend_schema(parameters=[SettlementFilterSerializer])
class SettlementList(ListAPIView):
    """Settled days, newest first; only the newest version of each unless `all_versions=true`."""

    serializer_class = SettlementRunSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[SettlementRun]:
        wanted = checked(SettlementFilterSerializer, self.request.query_params)
        runs = SettlementRun.objects.visible_to(principal_of(self.request)).select_related("portfolio")
        if not wanted["all_versions"]:
            runs = runs.newest()
        if day := wanted.get("date"):
            runs = runs.filter(delivery_date=day)
        if code := wanted.get("portfolio"):
            runs = runs.filter(portfolio__code=code)
        return runs.order_by("-delivery_date", "portfolio__code", "-version")


@extend_schema(parameters=[DaySerializer])
class PerformanceReportList(ListAPIView):
    """The end-of-day report on the caller's asks: ordered, delivered, share, what is due."""

    serializer_class = PerformanceReportSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Performance]:
        day = checked(DaySerializer, self.request.query_params)["date"]
        return queries.performance_report(principal_of(self.request), day)


@extend_schema(parameters=[DaySerializer])
class PerformanceList(ListAPIView):
    """Every award of a settled day, newest versions: bid, awarded, delivered, share, revenue, penalty."""

    serializer_class = PerformanceSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Performance]:
        day = checked(DaySerializer, self.request.query_params)["date"]
        return queries.performances_of(principal_of(self.request), day)


class PayoutList(ListAPIView):
    """Payouts, newest first; an owner sees their own. `?date=YYYY-MM-DD` narrows the list."""

    serializer_class = PayoutSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Payout]:
        wanted = checked(SettlementFilterSerializer, self.request.query_params)
        payouts = Payout.objects.visible_to(principal_of(self.request))
        if day := wanted.get("date"):
            payouts = payouts.filter(run__delivery_date=day)
        return payouts.select_related("owner", "run", "performance__award").order_by("-pk")


class PayoutTrace(APIView):
    """The chain of one payout, from the money back to the readings."""

    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=[OpenApiParameter("payout_id", int, "path")])
    def get(self, request: Request, payout_id: int) -> Response:
        return Response(queries.trace_payout(principal_of(request), payout_id))


class BaselineAnswer(APIView):
    """One baseline question, answered with the days it used and the days it passed over."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        return Response(_answer(checked(BaselineQuestionSerializer, request.data)))


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    try:
        return queries.baseline_answer(question)
    except ValueError as error:
        raise BadBaselineQuestion(str(error)) from error


class BadComponentQuestion(DomainError):
    code = "bad_component_question"


class ComponentAnswer(APIView):
    """One market-side component by the rule in force on its date."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        question = checked(BaselineQuestionSerializer, request.data)
        try:
            return Response(queries.component_answer(question))
        except ValueError as error:
            raise BadComponentQuestion(str(error)) from error
