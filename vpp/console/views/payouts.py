"""What owners were paid, and why."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from vpp.accounts.principals import principal_of
from vpp.console.access import OWNER, page_for
from vpp.console.queries import payouts
from vpp.console.views.params import page_number, parse_date
from vpp.lib.errors import NotFound
from vpp.settlement.queries import trace_payout


@require_GET
@page_for(OWNER)
def payout_list(request: HttpRequest) -> HttpResponse:
    page = payouts.payout_page(
        principal_of(request),
        parse_date(request.GET.get("date", "")),
        request.GET.get("q", "").strip(),
        page_number(request.GET.get("page", "1")),
    )
    return render(request, "console/payouts.html", {"page": page, "here": "payouts"})


@require_GET
@page_for(OWNER)
def payout_trace(request: HttpRequest, payout_id: int) -> HttpResponse:
    """The chain of one payout back to its readings; `?device=` opens that device's setpoints and readings."""
    principal = principal_of(request)
    try:
        trace = trace_payout(principal, payout_id)
    except NotFound as error:
        raise Http404(error.message) from error
    code = request.GET.get("device", "")
    devices = trace["devices"]
    opened = next((one for one in devices if one["device"] == code), devices[0] if devices else None)
    zone = payouts.zone_of(trace["settlement_run"]["portfolio"])
    context = {"here": "payouts", "trace": trace, "opened": opened, "staff": principal.sees_all, "zone": zone}
    return render(request, "console/payout.html", context)
