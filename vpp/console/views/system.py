"""Jobs, schedule, health and the audit trail."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from vpp.accounts.operations import audit
from vpp.accounts.principals import principal_of
from vpp.console.access import Role, has_role, require_role, staff_page
from vpp.console.queries import system
from vpp.console.views.params import parse_date
from vpp.jobs import operations
from vpp.jobs.models import Job
from vpp.lib import clock

OPERATORS = (Role.OPERATOR, Role.ADMIN)


@require_GET
@staff_page
def overview(request: HttpRequest) -> HttpResponse:
    at, search = clock.now(), request.GET.get("q", "").strip()
    context = {
        "here": "system",
        "page": system.system_page(at, search),
        "played": clock.is_simulated(),
        "search": search,
        "states": Job.State.choices,
        "operator": has_role(request, *OPERATORS),
        "at": at,
    }
    return render(request, "console/system.html", context)


@require_POST
@staff_page
def retry_job(request: HttpRequest, job_id: int) -> HttpResponse:
    """Another round for a job that failed or was given up; harmless for any other."""
    require_role(request, *OPERATORS)
    job = get_object_or_404(Job, pk=job_id)
    if job.state in (Job.State.DEAD, Job.State.FAILED):
        operations.retry(job=job)
        audit(
            at=clock.now(), actor=principal_of(request), action="job.retried", subject=job, before={"state": job.state}
        )
        messages.success(request, _("%(job)s is tried again.") % {"job": job})
    else:
        messages.error(request, _("%(job)s neither failed nor was given up.") % {"job": job})
    return redirect("console:system")


@require_GET
@staff_page
def audit_trail(request: HttpRequest) -> HttpResponse:
    asked = request.GET
    before = asked.get("before", "")
    filters = {"q": asked.get("q", "").strip(), "action": asked.get("action", "").strip()}
    day = parse_date(asked.get("date", ""))
    trail = system.audit_trail(
        search=filters["q"], action=filters["action"], day=day, before=int(before) if before.isdecimal() else None
    )
    following = asked.copy()
    following["before"] = str(trail.next_before)
    context = {"here": "system", "trail": trail, "filters": filters, "day": day, "next_query": following.urlencode()}
    return render(request, "console/audit.html", context)
