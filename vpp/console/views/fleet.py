"""The fleet: a table of devices, one device, and taking devices out of service and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from vpp.accounts.principals import principal_of
from vpp.console import charts
from vpp.console.access import OWNER, Role, has_role, page_for, require_role, staff_page
from vpp.console.queries import device, devices, fleet
from vpp.console.views.params import parse_date
from vpp.dispatch.operations import set_device_opt_out
from vpp.enrollment.models import Device
from vpp.enrollment.suspension import resume_device, suspend_device
from vpp.lib import clock
from vpp.lib.periods import delivery_day_of

OPERATORS = (Role.OPERATOR, Role.ADMIN)
BULK_LIMIT = 500
#: What can be done to devices: operation, question, button.
CHANGES: dict[str, tuple[Callable[..., bool], str, str]] = {
    "suspend": (
        suspend_device,
        gettext_noop("They will be planned and dispatched no more until they are resumed."),
        gettext_noop("Suspend"),
    ),
    "resume": (resume_device, gettext_noop("They will take part again from the next plan on."), gettext_noop("Resume")),
}


@require_GET
@page_for(OWNER)
def device_table(request: HttpRequest) -> HttpResponse:
    principal, at = principal_of(request), clock.now()
    filters = devices.filters_of(request.GET.dict())
    portfolios, feeders = devices.choices(principal)
    following = request.GET.copy()
    page = devices.device_page(principal, filters, at)
    following["after"] = page.next_after
    context = {
        "here": "fleet",
        "page": page,
        "filters": filters,
        "portfolios": portfolios,
        "feeders": feeders,
        "kinds": Device.Kind.choices,
        "states": fleet.LABELS.items(),
        "sorts": devices.SORT_LABELS.items(),
        "next_query": following.urlencode(),
        "operator": has_role(request, *OPERATORS) and principal.sees_all,
        "at": at,
    }
    return render(request, "console/fleet.html", context)


@require_GET
@page_for(OWNER)
def device_page(request: HttpRequest, code: str) -> HttpResponse:
    principal, at = principal_of(request), clock.now()
    found = device.find_device(principal, code)
    if found is None:
        raise Http404(f"There is no device {code}, or it is not yours.")
    zone = found.site.time_zone
    shown = parse_date(request.GET.get("date", ""))
    if shown is None:
        shown = device.last_settled_date(found) or delivery_day_of(at, zone).date
    page = device.device_page(principal, found, shown, at)
    context = {
        "here": "fleet",
        "page": page,
        "device": found,
        "zone": zone,
        "chart": charts.device_chart(page) if page.has_data else None,
        "operator": principal.sees_all and has_role(request, *OPERATORS),
        "is_owner": not principal.sees_all,
        "staff": principal.sees_all,
        "at": at,
        "before": page.day.shifted(-1).date,
        "after": page.day.shifted(1).date,
    }
    return render(request, "console/device.html", context)


@require_http_methods(["GET", "POST"])
@staff_page
def change_devices(request: HttpRequest, change: str) -> HttpResponse:
    """Suspend or resume the devices named by `device`; asks once, then does it and says how many it was."""
    require_role(request, *OPERATORS)
    if change not in CHANGES:
        raise Http404(f"Nobody can {change} devices.")
    operation, consequence, action = CHANGES[change]
    asked = request.POST if request.method == "POST" else request.GET
    codes = asked.getlist("device")[:BULK_LIMIT]
    found = list(Device.objects.visible_to(principal_of(request)).filter(code__in=codes).order_by("code"))
    back = reverse("console:device", args=[found[0].code]) if len(found) == 1 else reverse("console:fleet")
    if not found:
        messages.error(request, _("No device is chosen."))
        return redirect(back)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        with transaction.atomic():
            done = sum(operation(one, at=clock.now(), actor=request.user, reason=reason) for one in found)
        told = {"action": _(action), "done": done, "count": len(found)}
        messages.success(request, _("%(action)s: %(done)d of %(count)d devices changed.") % told)
        return redirect(back)
    context: dict[str, Any] = {
        "here": "fleet",
        "title": _("%(action)s: %(count)d devices?") % {"action": _(action), "count": len(found)},
        "text": _(consequence),
        "items": [one.code for one in found],
        "hidden": [("device", one.code) for one in found],
        "action": _(action),
        "back": back,
    }
    return render(request, "console/confirm.html", context)


@require_http_methods(["GET", "POST"])
@page_for(OWNER)
def opt_out(request: HttpRequest, code: str) -> HttpResponse:
    """An owner takes a device back for now, or lends it again; the operator may do it for them."""
    principal, at = principal_of(request), clock.now()
    if principal.sees_all:
        require_role(request, *OPERATORS)
    found = device.find_device(principal, code)
    if found is None:
        raise Http404(f"There is no device {code}, or it is not yours.")
    leave = request.GET.get("again") is None
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        changed = device.is_opted_out(found, at) != leave
        set_device_opt_out(found, opted_out=leave, at=at, actor=request.user, reason=reason)
        done = _("%(code)s is opted out from now on.") if leave else _("%(code)s takes part again from now on.")
        messages.success(request, (done if changed else _("%(code)s was so already.")) % {"code": found.code})
        return redirect("console:device", code=found.code)
    text = (
        _(
            "From now on it follows its own plan only, in running events too, until you opt in again. What it does "
            "not deliver earns nothing."
        )
        if leave
        else _("From now on it may be called again, within your terms.")
    )
    context = {
        "here": "fleet",
        "title": f"{_('Opt out') if leave else _('Opt in')}: {found.name or found.code}?",
        "text": text,
        "action": _("Opt out") if leave else _("Opt in"),
        "back": reverse("console:device", args=[found.code]),
    }
    return render(request, "console/confirm.html", context)
