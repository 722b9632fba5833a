"""What settlement has to decide: disputes with utilities, findings that hold payouts, certified baselines."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from vpp.accounts.principals import principal_of
from vpp.console import settlement_charts
from vpp.console.access import UTILITY, Role, has_role, page_for, require_role, staff_page
from vpp.console.refusals import told
from vpp.console.views.params import page_number
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.settlement import operations
from vpp.settlement.models import Certification, Dispute, ReviewFinding

SETTLERS = (Role.SETTLEMENT, Role.ADMIN)
PAGE_SIZE = 50


def cut(request: HttpRequest, found: Any) -> dict[str, Any]:
    """One page of a queryset, for a template."""
    number = page_number(request.GET.get("page", "1"))
    rows = list(found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE + 1])
    return {"rows": rows[:PAGE_SIZE], "number": number, "has_next": len(rows) > PAGE_SIZE}


@require_GET
@page_for(UTILITY)
def dispute_list(request: HttpRequest) -> HttpResponse:
    disputes = Dispute.objects.visible_to(principal_of(request)).select_related("ask", "utility", "statement")
    context = {"here": "disputes", **cut(request, disputes.order_by("state", "-pk"))}
    return render(request, "console/disputes.html", context)


@require_http_methods(["GET", "POST"])
@page_for(UTILITY)
def dispute_page(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Both sides' numbers, what was said, and the next step."""
    principal = principal_of(request)
    found = Dispute.objects.visible_to(principal).select_related("ask", "utility", "statement")
    dispute = get_object_or_404(found, pk=dispute_id)
    allowed = (*SETTLERS,) if principal.sees_all else (Role.UTILITY_PLANNER, Role.UTILITY_APPROVER)
    if request.method == "POST":
        require_role(request, *allowed)
        try:
            text, state = request.POST.get("text", "").strip(), request.POST.get("state", "")
            operations.step_dispute(dispute, state, text=text, at=clock.now(), actor=request.user)
            messages.success(request, _("The dispute is %(state)s.") % {"state": _(str(dispute.get_state_display()))})
        except DomainError as error:
            messages.error(request, f"{told(error)} ({error.code})")
        return redirect("console:dispute", dispute_id=dispute.pk)
    open_to = Dispute.STEPS.get(Dispute.State(dispute.state), ())
    ours = dispute.evidence.get("ours", {})
    context = {
        "here": "disputes", "dispute": dispute, "zone": dispute.ask.time_zone,
        "differences": dispute.evidence.get("differences", []), "ours": ours.get("awards") or ([ours] if ours else []),
        "events": dispute.events.order_by("at", "pk"), "staff": principal.sees_all,
        "steps": [(step.value, step.label) for step in open_to] if has_role(request, *allowed) else [],
    }  # fmt: skip
    return render(request, "console/dispute.html", context)


@require_GET
@staff_page
def review_queue(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", ReviewFinding.State.OPEN)
    findings = ReviewFinding.objects.select_related("owner", "site", "device")
    if state in ReviewFinding.State.values:
        findings = findings.filter(state=state)
    context = {
        "here": "settlement", "state": state, "states": ReviewFinding.State.choices,
        "settler": has_role(request, *SETTLERS), **cut(request, findings.order_by("-found_at", "-pk")),
    }  # fmt: skip
    return render(request, "console/review.html", context)


#: What can be done with a finding: whether it clears it, question, consequence, button.
DECISIONS = {
    "release": (
        True, gettext_noop("Release the payout?"),
        gettext_noop("The finding is explained; the owner is paid with the next statement."), gettext_noop("Release"),
    ),
    "deny": (
        False, gettext_noop("Confirm the finding?"), gettext_noop("The payout of the day stays held for this owner."),
        gettext_noop("Confirm"),
    ),
}  # fmt: skip


@require_http_methods(["GET", "POST"])
@staff_page
def decide(request: HttpRequest, finding_id: int, decision: str) -> HttpResponse:
    require_role(request, *SETTLERS)
    finding = get_object_or_404(ReviewFinding.objects.select_related("owner", "device"), pk=finding_id)
    if decision not in DECISIONS:
        raise Http404(f"A finding is released or denied, not {decision}.")
    cleared, title, text, action = DECISIONS[decision]
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        try:
            if not reason:
                raise ReasonMissing(_("Say why; it is kept with the finding."))
            operations.decide_finding(finding, cleared=cleared, reason=reason, at=clock.now(), actor=request.user)
            messages.success(request, f"{finding.get_kind_display()}: {_(str(finding.get_state_display()))}.")
        except DomainError as error:
            messages.error(request, told(error))
        return redirect("console:review")
    context = {
        "here": "settlement", "title": _(title), "text": _(text), "action": _(action), "reason_required": True,
        "items": [f"{finding.owner.name}: {finding.get_kind_display()}, {finding.delivery_date}"],
        "back": reverse("console:review"),
    }  # fmt: skip
    return render(request, "console/confirm.html", context)


class ReasonMissing(DomainError):
    code = "reason_missing"


@require_GET
@staff_page
def certification_list(request: HttpRequest) -> HttpResponse:
    found = Certification.objects.visible_to(principal_of(request)).newest()
    rows = found.select_related("device__site", "best_profile").order_by("device__code")
    context = {"here": "settlement", **cut(request, rows)}
    return render(request, "console/certifications.html", context)


@require_GET
@staff_page
def certification_page(request: HttpRequest, certification_id: int) -> HttpResponse:
    """How each method fits a site: error and bias as a picture, the best one event by event."""
    found = Certification.objects.visible_to(principal_of(request)).select_related("device__site", "best_profile")
    certification = get_object_or_404(found, pk=certification_id)
    fits = list(certification.fits.select_related("profile").order_by("level", "rank"))
    context = {
        "here": "settlement", "certification": certification, "fits": fits,
        "zone": certification.device.site.time_zone,
        "errors": settlement_charts.fit_chart(fits), "events": settlement_charts.placebo_chart(fits),
    }  # fmt: skip
    return render(request, "console/certification.html", context)
