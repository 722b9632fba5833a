"""One optimisation problem over HTTP: the same document and answer as `manage.py optimise`."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bidding import operations
from vpp.accounts.principals import principal_of

WEB_LIMIT_S = 60.0


class WhatIfView(APIView):
    @extend_schema(
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
        parameters=[OpenApiParameter("full", bool, description="every storage apart, without grouping")],
    )
    def post(self, request: Request) -> Response:
        """Solve a what-if document (docs/bid.md, section 8). Nothing is stored; 422 `bad_what_if` names every fault."""
        if not principal_of(request).sees_all:
            raise PermissionDenied("optimisation is the aggregator's own tool")
        full = request.query_params.get("full", "").lower() in ("1", "true", "yes")
        return Response(operations.what_if(request.data, full=full, time_limit_s=WEB_LIMIT_S))
