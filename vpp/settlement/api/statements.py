"""GET /api/v1/statements, /statements/{id} (html, csv, pdf), POST /statements/{id}/accept and /dispute."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.pages import Pages
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.settlement import operations
from vpp.settlement.models import Statement
from vpp.settlement.queries.statements import statement_view
from vpp.settlement.serializers import DisputeReasonSerializer, StatementSerializer


class UnknownForm(DomainError):
    code = "unknown_statement_form"


class StatementList(ListAPIView):
    """Statements, newest first; an owner sees their own once they are final."""

    serializer_class = StatementSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Statement]:
        return Statement.objects.visible_to(principal_of(self.request)).select_related("owner").order_by("-pk")


class StatementDocument(APIView):
    """One statement as JSON, or as `?form=html`, `csv` or `pdf`."""

    @extend_schema(
        responses={
            (200, "application/json"): StatementSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
        parameters=[OpenApiParameter("form", OpenApiTypes.STR, enum=["json", "html", "csv", "pdf"])],
    )
    def get(self, request: Request, statement_id: int) -> Response | HttpResponse:
        from vpp.settlement.kernels import statement_forms as forms

        statement = _statement(request, statement_id)
        form = request.query_params.get("form", "json")
        if form == "json":
            return Response(StatementSerializer(statement).data)
        view = statement_view(statement)
        if form == "html":
            return HttpResponse(forms.as_html(view))
        if form == "csv":
            return HttpResponse(forms.as_csv(view), content_type="text/csv; charset=utf-8")
        if form == "pdf":
            return HttpResponse(forms.as_pdf(view), content_type="application/pdf")
        raise UnknownForm(f"form {form!r} is not one of json, html, csv, pdf")


class StatementAccept(APIView):
    """The owner agrees; the next payment file pays it."""

    permission_classes = [HasScope("statements:write")]  # type: ignore[list-item]

    @extend_schema(request=None, responses=StatementSerializer)
    def post(self, request: Request, statement_id: int) -> Response:
        return _step(request, statement_id, Statement.State.ACCEPTED, "")


class StatementDispute(APIView):
    """The owner disagrees and says why."""

    permission_classes = [HasScope("statements:write")]  # type: ignore[list-item]

    @extend_schema(request=DisputeReasonSerializer, responses=StatementSerializer)
    def post(self, request: Request, statement_id: int) -> Response:
        reason = checked(DisputeReasonSerializer, request.data)["reason"]
        return _step(request, statement_id, Statement.State.DISPUTED, reason)


def _step(request: Request, statement_id: int, state: str, reason: str) -> Response:
    statement = _statement(request, statement_id)
    operations.step_statement(statement, state, at=clock.now(), actor=principal_of(request), reason=reason)
    return Response(StatementSerializer(statement).data)


def _statement(request: Request, statement_id: int) -> Statement:
    visible = Statement.objects.visible_to(principal_of(request)).select_related("owner")
    return get_object_or_404(visible, pk=statement_id)
