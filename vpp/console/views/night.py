"""Starting the night's run by hand, for the next gate of each zone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bidding.actors import enqueue_nightly
from vpp.accounts.operations import audit
from vpp.accounts.principals import principal_of
from vpp.console.access import Role, require_role, staff_page
from vpp.console.queries.gates import gates_ahead
from vpp.jobs.models import Job
from vpp.lib import clock


@require_http_methods(["GET", "POST"])
@staff_page
def start_night(request: HttpRequest) -> HttpResponse:
    """Write the job of each zone's next delivery day; a run that is there already is not made again."""
    require_role(request, Role.TRADER, Role.ADMIN)
    at = clock.now()
    ahead = gates_ahead(principal_of(request), at)
    days = {(gate.market.zone_code, gate.delivery_date): gate.gate_at for gate in reversed(ahead)}
    if not days:
        messages.error(request, _("There is no market with a gate ahead; manage.py import_markets FILE takes one in."))
        return redirect("console:bids")
    if request.method == "POST":
        reason, jobs = request.POST.get("reason", "").strip(), []
        for zone_code, delivery_date in days:
            job = enqueue_nightly(zone_code=zone_code, delivery_date=delivery_date, at=at)
            audit(at=at, actor=request.user, action="nightly.started", subject=job, reason=reason)
            jobs.append(job)
        _tell(request, jobs)
        newest = max(delivery_date for _zone, delivery_date in days)
        return redirect(reverse("console:bids") + f"?date={newest.isoformat()}")
    context = {
        "here": "bids", "title": _("Start the night's run now?"), "action": _("Start the run"),
        "text": _("It forecasts and bids for the next gate of each zone. What has run already is not run again."),
        "items": [f"{zone_code}, {delivery_date.isoformat()}" for zone_code, delivery_date in days],
        "back": reverse("console:bids"),
    }  # fmt: skip
    return render(request, "console/confirm.html", context)


def _tell(request: HttpRequest, jobs: list[Job]) -> None:
    """What comes of it: a job that has ended before is not run again."""
    for job in jobs:
        told = {"job": job.natural_key, "error": job.error}
        if job.state == Job.State.DONE:
            messages.info(request, _("%(job)s has run already; it is not run again.") % told)
        elif job.state in (Job.State.FAILED, Job.State.DEAD):
            text = _("%(job)s did not end well: %(error)s - it can be tried again under System.")
            messages.error(request, text % told)
    if any(job.state in (Job.State.PENDING, Job.State.LEASED) for job in jobs):
        messages.success(request, _("The run is with the workers; reload in a minute or two."))
