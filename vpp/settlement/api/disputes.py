"""POST /api/v1/utility-statements, GET /disputes, POST /disputes/{id}."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpp.accounts.models import Participant, Principal
from vpp.accounts.pages import Pages
from vpp.accounts.permissions import HasScope
from vpp.accounts.principals import principal_of
from vpp.accounts.requests import checked
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.settlement import operations
from vpp.settlement.models import Dispute, UtilityStatement
from vpp.settlement.serializers import DisputeSerializer, DisputeStepSerializer, UtilityStatementSerializer


class NoSuchUtility(DomainError):
    code = "unknown_utility"
    http_status = 404


class UtilityStatements(APIView):
    """A utility sends its settlement; what differs from ours comes back as disputes."""

    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=UtilityStatementSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request) -> Response:
        data, principal = checked(UtilityStatementSerializer, request.data), principal_of(request)
        statement = operations.take_utility_statement(
            utility=_utility(principal, data.get("utility")),
            reference=data["reference"],
            form=data["form"],
            content=data["content"],
            at=clock.now(),
            actor=principal,
        )
        return Response(_answer(statement), status=status.HTTP_201_CREATED)


def _utility(principal: Principal, code: str | None) -> Participant:
    utilities = Participant.objects.filter(kind=Participant.Kind.UTILITY)
    if not principal.sees_all:
        utilities = utilities.filter(pk=principal.participant.pk if principal.participant else 0)
    found = utilities.filter(code=code).first() if principal.sees_all else utilities.first()
    if found is None or (code and found.code != code):
        raise NoSuchUtility(f"there is no utility {code or 'for this caller'}")
    return found


def _answer(statement: UtilityStatement) -> dict[str, object]:
    disputes = statement.disputes.select_related("ask", "utility", "statement").order_by("pk")
    return {
        "id": statement.pk,
        "reference": statement.reference,
        "lines": statement.lines.count(),
        "findings": statement.findings,
        "disputes": DisputeSerializer(disputes, many=True).data,
    }


class DisputeList(ListAPIView):
    """Disputes, newest first; a utility sees its own."""

    serializer_class = DisputeSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Dispute]:
        disputes = Dispute.objects.visible_to(principal_of(self.request))
        return disputes.select_related("ask", "utility", "statement").order_by("-pk")


class DisputeStep(APIView):
    """Answer, reopen or resolve."""

    permission_classes = [HasScope("asks:write")]  # type: ignore[list-item]

    @extend_schema(request=DisputeStepSerializer, responses=DisputeSerializer)
    def post(self, request: Request, dispute_id: int) -> Response:
        step, principal = checked(DisputeStepSerializer, request.data), principal_of(request)
        visible = Dispute.objects.visible_to(principal).select_related("ask", "utility", "statement")
        dispute = get_object_or_404(visible, pk=dispute_id)
        operations.step_dispute(dispute, **step, at=clock.now(), actor=principal)
        return Response(DisputeSerializer(dispute).data)
