"""An owner's wishes for a device, and what staff agree with the owner: as much of it as the reader may change."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from vpp.accounts.principals import principal_of
from vpp.console.access import OWNER, Role, page_for, require_role
from vpp.console.device_forms import terms_form
from vpp.console.queries import device
from vpp.dispatch.operations import set_device_limits, set_device_terms
from vpp.enrollment.models import OwnerTerms
from vpp.enrollment.terms import BadTerms
from vpp.lib import clock


@require_http_methods(["GET", "POST"])
@page_for(OWNER)
def terms_page(request: HttpRequest, code: str) -> HttpResponse:
    """What is saved holds at once, in a running event too."""
    principal, at = principal_of(request), clock.now()
    if principal.sees_all:
        require_role(request, Role.OPERATOR, Role.ADMIN)
    found = device.find_device(principal, code)
    if found is None:
        raise Http404(f"There is no device {code}, or it is not yours.")
    terms = OwnerTerms.objects.filter(device=found, period__contains=at).first()
    form = terms_form(found, terms, request.POST or None, staff=principal.sees_all)
    refusal = None
    if request.method == "POST" and form.is_valid():
        change = set_device_limits if principal.sees_all else set_device_terms
        try:
            change(found, form.wishes(), at=at, actor=request.user, reason=request.POST.get("reason", "").strip())
        except BadTerms as error:
            refusal = error
        else:
            messages.success(request, _("%(code)s keeps to that from now on.") % {"code": found.code})
            return redirect("console:device", code=found.code)
    context = {"here": "fleet", "device": found, "form": form, "refusal": refusal, "zone": found.site.time_zone}
    return render(request, "console/device_terms.html", context, status=400 if refusal else 200)
