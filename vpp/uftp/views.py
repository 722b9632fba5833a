"""The one address of UFTP. 200 means received and stored; the answer is a message of its own."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from vpp.lib import clock
from vpp.uftp import inbox

CONTENT_TYPES = ("text/xml", "application/xml")


@csrf_exempt
@require_POST
def message(request: HttpRequest) -> HttpResponse:
    """400 form, 401 seal, 411 no length, 413 too large, 419 unknown sender, 429 too many; text/plain says why."""
    try:
        inbox.receive(_body(request), at=clock.now())
    except inbox.Refused as refused:
        return HttpResponse(f"{refused}\n", status=refused.status, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=200)


def _body(request: HttpRequest) -> bytes:
    kind, _, parameters = request.headers.get("Content-Type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip("\"' ")
    if kind.strip().lower() not in CONTENT_TYPES or charset not in ("", "utf-8", "utf8"):
        raise inbox.Refused(400, "the content type must be text/xml; charset=utf-8")
    length = request.headers.get("Content-Length", "")
    if not length.isdigit():
        raise inbox.Refused(411, "a length is needed")
    if int(length) > settings.UFTP_LARGEST_BYTES:
        raise inbox.Refused(413, f"larger than {settings.UFTP_LARGEST_BYTES} bytes")
    return request.body
