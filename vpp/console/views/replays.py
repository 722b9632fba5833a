"""Replays: past days played as known then, asked for with a form, and their reports."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bidding.operations.replay_reports import enqueue_replay
from vpp.accounts.operations import audit
from vpp.console import bid_charts
from vpp.console.access import Role, has_role, require_role, staff_page
from vpp.console.desk_forms import ReplayForm
from vpp.console.queries import desk, replays
from vpp.lib import clock
from vpp.lib.errors import DomainError

TRADERS = (Role.TRADER, Role.ADMIN)


@require_http_methods(["GET", "POST"])
@staff_page
def replay_list(request: HttpRequest) -> HttpResponse:
    """Reports, the newest first; a trader asks for another one."""
    products = {one.pk: one for one in desk.energy_products()}
    choices = [(pk, f"{one.market.name}, {one.name}") for pk, one in products.items()]
    first, last = desk.price_span(products)
    form = ReplayForm(choices, request.POST or None, initial={"first": first, "last": last})
    refusal: DomainError | None = None
    if request.method == "POST":
        require_role(request, *TRADERS)
        if form.is_valid():
            data, at = form.cleaned_data, clock.now()
            try:
                job = enqueue_replay(products[int(data["product"])], data["first"], data["last"], form.battery(), at=at)
            except DomainError as error:
                refusal = error
            else:
                audit(at=at, actor=request.user, action="replay.started", subject=job)
                messages.success(request, _("The replay is with the workers; its page shows it when it is done."))
                return redirect("console:replay", job_id=job.pk)
    context: dict[str, Any] = {
        "here": "bids", "form": form, "reports": replays.reports(), "trader": has_role(request, *TRADERS),
        "refusal": refusal, "first": first, "last": last, "at": clock.now(),
    }  # fmt: skip
    return render(request, "console/replays.html", context, status=422 if refusal or form.errors else 200)


@require_GET
@staff_page
def replay_page(request: HttpRequest, job_id: int) -> HttpResponse:
    report = replays.find_report(job_id)
    if report is None:
        raise Http404(f"There is no replay {job_id}.")
    chart = bid_charts.replay_chart(report) if report.days else None
    context = {"here": "bids", "report": report, "chart": chart, "at": clock.now()}
    return render(request, "console/replay.html", context)
