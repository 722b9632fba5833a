"""What every request is checked for, and the headers that every page carries."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse

# The admin and the console load scripts, styles and images from our own origin only; inline style attributes are the
# one thing the charts need.
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


NUL = "\x00"


class NoNulMiddleware:
    """PostgreSQL holds no text with a NUL in it: an address, a query or a form with one is a 400 and no error of ours.
    Bodies of the API are read by serializers, which refuse it themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not has_nul(request):
            return self.get_response(request)
        message = "a NUL character is no text"
        if request.path.startswith("/api/"):
            return JsonResponse({"code": "invalid", "message": message, "details": {}}, status=400)
        return HttpResponseBadRequest(message, content_type="text/plain")


def has_nul(request: HttpRequest) -> bool:
    if NUL in request.path or any(NUL in value for _, values in request.GET.lists() for value in values):
        return True
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return False
    return any(NUL in value for _, values in request.POST.lists() for value in values)


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
