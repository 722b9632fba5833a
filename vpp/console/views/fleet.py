"""The fleet: a table of devices, where they are, one device, and opting it out."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from vpp.accounts.principals import principal_of
from vpp.console import charts
from vpp.console.access import OWNER, Role, has_role, page_for, require_role, staff_page
from vpp.console.queries import device, devices, fleet, fleet_places
from vpp.console.views.params import parse_date
from vpp.dispatch.operations import set_device_opt_out
from vpp.enrollment.models import Device
from vpp.lib import clock
from vpp.lib.periods import delivery_day_of

OPERATORS = (Role.OPERATOR, Role.ADMIN)


@require_GET
@page_for(OWNER)
def device_table(request: HttpRequest) -> HttpResponse:
    principal, at = principal_of(request), clock.now()
    filters = devices.filters_of(request.GET.dict())
    portfolios, feeders = devices.choices(principal)
    following = request.GET.copy()
    page = devices.device_page(principal, filters, at)
    following["after"] = page.next_after
    matching = request.GET.copy()
    matching.pop("after", None)
    matching["all"] = "1"
    context = {
        "here": "fleet",
        "page": page,
        "filters": filters,
        "filtered": bool(request.GET),
        "portfolios": portfolios,
        "feeders": feeders,
        "kinds": Device.Kind.choices,
        "states": fleet.LABELS.items(),
        "sorts": devices.SORT_LABELS.items(),
        "next_query": following.urlencode(),
        "all_query": matching.urlencode(),
        "everything": devices.EVERYTHING,
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
    news = device.news_mark(found, at)
    if request.headers.get("X-Live") == news:
        return HttpResponse(status=204, headers={"X-Live": news})
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
    answer = render(request, "console/device.html", context)
    answer.headers["X-Live"] = news
    return answer


@require_GET
@staff_page
def feeder_list(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    return render(
        request, "console/fleet_feeders.html", {"here": "fleet", "places": fleet_places.feeders(at), "at": at}
    )


@require_GET
@staff_page
def feeder_drawing(request: HttpRequest, code: str) -> HttpResponse:
    """The feeder's grid with its devices: as large as they are many, in the colour of how they stand."""
    at = clock.now()
    places = {place.code: place for place in fleet_places.nodes(code, at)}
    if not places:
        raise Http404(f"There is no device on a feeder {code}.")
    drawn = fleet_places.drawing(code)
    shown = {dot.code for dot in drawn.dots} if drawn else set()
    context = {
        "here": "fleet",
        "code": code,
        "drawing": drawn,
        "dots": [(dot, places.get(dot.code)) for dot in drawn.dots] if drawn else [],
        "places": sorted(places.values(), key=lambda place: (-place.troubled, place.code)),
        "outside": [place for place in places.values() if place.code not in shown] if drawn else [],
        "devices": sum(place.devices for place in places.values()),
        "at": at,
    }
    return render(request, "console/fleet_feeder.html", context)


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
