"""GET /api/v1/performance-reports/{ask}: the report on one ask as JSON, or as html, csv or pdf."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding.api import UTILITY, check_one_utility, narrowed
from vpp.accounts.principals import principal_of
from vpp.lib.errors import DomainError, NotFound
from vpp.settlement.models import Performance
from vpp.settlement.queries.report_views import report_view
from vpp.settlement.serializers import PerformanceReportSerializer

FORMS = ("json", "html", "csv", "pdf")
ASKED_BY = "award__bid__ask__utility__code"


class NoReport(NotFound):
    code = "no_report"


class UnknownReportForm(DomainError):
    code = "unknown_report_form"


class PerformanceReportDocument(APIView):
    """What was ordered on an ask and what was delivered, as last settled; a list where several bids were ordered."""

    @extend_schema(
        operation_id="performance_report",
        responses={
            (200, "application/json"): PerformanceReportSerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
        parameters=[OpenApiParameter("form", OpenApiTypes.STR, enum=FORMS), UTILITY],
    )
    def get(self, request: Request, reference: str) -> Response | HttpResponse:
        from vpp.settlement.kernels import report_forms as forms

        found = _performances(request, reference)
        form = request.query_params.get("form", "json")
        if form == "json":
            return Response(PerformanceReportSerializer(found, many=True).data)
        views = [report_view(one) for one in found]
        if form == "html":
            return HttpResponse("".join(forms.as_html(view) for view in views))
        if form == "csv":
            return HttpResponse("".join(forms.as_csv(view) for view in views), content_type="text/csv; charset=utf-8")
        if form == "pdf":
            return HttpResponse(forms.as_pdf(views), content_type="application/pdf")
        raise UnknownReportForm(f"form {form!r} is not one of json, html, csv, pdf")


def _performances(request: Request, reference: str) -> list[Performance]:
    """Newest versions, oldest commit first. Raises NoReport or AmbiguousReference."""
    visible = Performance.objects.visible_to(principal_of(request)).newest()
    found = list(
        narrowed(visible.filter(award__bid__ask__reference=reference), request, {"utility": ASKED_BY})
        .select_related("run", "award__bid__ask__congestion_point", "award__bid__ask__utility")
        .select_related("award__ordered_option__option")
        .order_by("award_id")
    )
    if not found:
        raise NoReport(f"nothing is settled on ask {reference!r} yet, or it is not yours", reference=reference)
    check_one_utility(reference, [one.award.bid.ask.utility.code for one in found if one.award.bid.ask])
    return found
