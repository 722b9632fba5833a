"""Sessions end when nobody uses them; a second factor where the installation wants one; the admin's clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django_otp import DEVICE_ID_SESSION_KEY

from vpp.console import unsent

SEEN = "seen_at_s"
NOTED_EVERY_S = 60
OPEN = ("/login/", "/logout/", "/account/", "/static/", "/health/", "/i18n/")


class SignInMiddleware:
    """After AuthenticationMiddleware. API clients with a token have no session and pass."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self.get_response(request)
        if is_idle(request):
            left = request.user.pk
            logout(request)
            request.session[unsent.LEFT] = left
            return self.get_response(request)
        if wants_second_factor(request) and not request.path.startswith(OPEN):
            if request.path.startswith("/api/"):
                told = {"code": "second_factor_needed", "message": "log in with your second factor", "details": {}}
                return JsonResponse(told, status=403)
            return redirect("two_factor")
        response = self.get_response(request)
        if "text/html" in response.get("Content-Type", ""):
            add_never_cache_headers(response)  # a page of somebody who has left is not read from the browser's memory
        return response


def is_idle(request: HttpRequest) -> bool:
    """Whether the session was left alone too long. Today's own refreshing is no use of it."""
    now, seen = time.time(), request.session.get(SEEN)
    if seen is not None and now - seen > settings.SESSION_IDLE_S:
        return True
    if seen is None or (now - seen > NOTED_EVERY_S and "X-Live" not in request.headers):
        request.session[SEEN] = now
    return False


def wants_second_factor(request: HttpRequest) -> bool:
    """Staff whose session was opened without one, where the installation requires it."""
    if not settings.REQUIRE_TWO_FACTOR or DEVICE_ID_SESSION_KEY in request.session:
        return False
    return bool(getattr(request.user, "sees_all", False)) or request.user.is_staff


class AdminZoneMiddleware:
    """The admin tells and takes moments in the zone of the house, as the pages beside it do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        with timezone.override(settings.HOUSE_ZONE):
            response = self.get_response(request)
            if hasattr(response, "render"):
                response = response.render()  # later it would be rendered in the zone of the process
            return response
