"""A form sent after its session had ended is kept until its sender has logged in again, and shown to be sent then."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

KEY = "unsent"
LEFT = "left_by"
KEPT_S = 3600
LARGEST_CHARS = 100_000  # a session is a row; an import of files is chosen again

View = Callable[..., HttpResponse]


class Unsent(TypedDict):
    address: str
    fields: list[tuple[str, str]]
    files: bool
    at: float
    user: int | None


def signed_in(view: View) -> View:
    """Whoever is not logged in does that first; what they sent is not lost."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.user.is_authenticated:
            if request.method == "POST" and request.session.get(KEY, {}).get("address") == request.get_full_path():
                del request.session[KEY]  # what waited is sent
            return view(request, *args, **kwargs)
        return redirect_to_login(reverse("console:unsent") if _kept(request) else request.get_full_path())

    return guarded


def _kept(request: HttpRequest) -> bool:
    if request.method != "POST":
        return False
    fields = [(name, str(one)) for name, ones in request.POST.lists() for one in ones if name != "csrfmiddlewaretoken"]
    if sum(len(value) for _name, value in fields) > LARGEST_CHARS:
        return False
    request.session[KEY] = Unsent(
        address=request.get_full_path(), fields=fields, files=bool(request.FILES), at=time.time(),
        user=request.session.get(LEFT),
    )  # fmt: skip
    return True


def take(request: HttpRequest) -> Unsent | None:
    """What waits for this user; nothing that somebody else typed, or that is an hour old."""
    found: Any = request.session.get(KEY)
    if found and time.time() - found["at"] < KEPT_S and found["user"] in (None, request.user.pk):
        return cast(Unsent, found)
    return None


def carry(request: HttpRequest, begin_anew: Callable[[], None]) -> None:
    """Begin a session anew, but keep what waits to be sent."""
    kept = request.session.get(KEY)
    begin_anew()
    if kept:
        request.session[KEY] = kept
