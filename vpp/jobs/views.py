"""Probes for the machinery around the service."""

from __future__ import annotations

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from vpp.jobs import queries
from vpp.lib import clock


@require_GET
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """The process can work: the database answers; with the relay's lag and the last nightly run beside it."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        return JsonResponse({"status": "degraded", "database": str(error)}, status=503)
    report = queries.health(at=clock.now())
    return JsonResponse({"status": "ok", "database": "ok", **report})


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts by queue and state in the Prometheus text form."""
    return HttpResponse(queries.metrics_text(at=clock.now()), content_type="text/plain; version=0.0.4")
