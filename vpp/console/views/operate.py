"""Today and a portfolio's day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from vpp.accounts.principals import principal_of
from vpp.console import charts, reference
from vpp.console.access import OWNER, UTILITY, staff_page
from vpp.console.queries import day, fleet, today
from vpp.console.queries.kept import kept
from vpp.console.views.params import parse_date
from vpp.lib import clock

KEPT_S = 1


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Today for staff; a utility starts at its asks, an owner at what they were paid."""
    principal = principal_of(request)
    if not principal.sees_all:
        kind = principal.participant.kind if principal.participant else None
        starts: dict[str | None, str] = {UTILITY: "console:asks", OWNER: "console:payouts"}
        if kind not in starts:
            raise PermissionDenied(
                _("Your account has no pages here; ask the aggregator to assign you to a participant.")
            )
        return redirect(starts[kind])
    if "X-Live" in request.headers:
        return HttpResponse(_refreshed(request))
    return HttpResponse(_today(request, "base.html"))


def _today(request: HttpRequest, frame: str) -> str:
    page = today.today_page(principal_of(request), clock.now())
    return render_to_string("console/today.html", {"page": page, "here": "today", "frame": frame}, request)


def _refreshed(request: HttpRequest) -> str:
    """The page for a reader's script, without the frame that names its reader: made once in KEPT_S for all staff who
    read the same language and may follow the same links."""
    key = f"today:{get_language()}:{getattr(request.user, 'is_staff', False)}"
    return kept(key, KEPT_S, lambda: _today(request, "_live.html"))


@require_GET
@staff_page
def day_index(request: HttpRequest) -> HttpResponse:
    """The picker's target, and the menu's: the chosen portfolio and day, or the first portfolio on the latest day."""
    principal = principal_of(request)
    portfolios = day.portfolios(principal)
    if not portfolios:
        return render(request, "console/day_empty.html", {"here": "day"})
    code = request.GET.get("portfolio", "")
    portfolio = next((one for one in portfolios if one.code == code), portfolios[0])
    chosen = parse_date(request.GET.get("date", ""))
    if chosen is None:
        at = clock.now()
        chosen = today.shown_date(day.local_date(portfolio, at)) or day.local_date(portfolio, at)
    return redirect("console:day", code=portfolio.code, delivery_date=chosen.isoformat())


@require_GET
@staff_page
def day_view(request: HttpRequest, code: str, delivery_date: str) -> HttpResponse:
    principal, at = principal_of(request), clock.now()
    portfolios = day.portfolios(principal)
    portfolio = next((one for one in portfolios if one.code == code), None)
    chosen = parse_date(delivery_date)
    if portfolio is None or chosen is None:
        raise Http404(f"There is no portfolio {code}, or {delivery_date} is not a date.")
    page = day.day_page(principal, portfolio, chosen, at)
    context: dict[str, Any] = {
        "here": "day",
        "page": page,
        "portfolios": portfolios,
        "zone": portfolio.time_zone,
        "chart": charts.day_chart(page),
        "intervals": charts.interval_table(page),
        "clock_change": charts.zone_name(page.labels),
        "before": chosen - timedelta(days=1),
        "after": chosen + timedelta(days=1),
        "states": fleet.counts(page.states),
        "troubled": [device for device in page.devices if device.state in fleet.TROUBLED],
    }
    return render(request, "console/day.html", context)


@require_GET
@login_required
def api_reference(request: HttpRequest) -> HttpResponse:
    """What programs can do, readable without script."""
    return render(request, "console/api.html", {"rooms": reference.operations_by_room(), "here": "api"})
