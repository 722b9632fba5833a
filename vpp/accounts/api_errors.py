"""One exception handler for the whole API: every refusal has a status, a stable code and a sentence."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as framework_handler

from vpp.lib.errors import DomainError

API = "/api/"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Map domain errors and the framework's own refusals to {"code", "message", "details"}; a bug stays a 500."""
    if isinstance(error, DomainError):
        return Response(refusal(error.code, error.message, error.details), status=error.http_status)
    if isinstance(error, RequestDataTooBig):
        return Response(refusal("body_too_large", str(error), {}), status=413)
    response = framework_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.data = refusal("invalid", "the request does not fit; see details", {"fields": response.data})
    elif isinstance(error, exceptions.APIException):
        response.data = refusal(str(error.get_codes()), str(error.detail), {})
    else:
        response.data = refusal("not_found", "there is no such object, or it is not yours", {})
    return response


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Below /api/ every refusal is JSON, also of an address that does not exist."""
    if request.path.startswith(API):
        return JsonResponse(refusal("not_found", f"there is nothing at {request.path}", {}), status=404)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse(refusal("internal_error", "the service failed; it is in its log", {}), status=500)
    return defaults.server_error(request)


def refusal(code: str, message: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"code": code, "message": message, "details": details}
