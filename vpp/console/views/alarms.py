"""Alarms of delivery and of readings, and that somebody has seen them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from vpp.accounts.principals import principal_of
from vpp.console.access import Role, has_role, require_role, staff_page
from vpp.console.queries import alarms
from vpp.lib import clock

WATCHERS = (Role.OPERATOR, Role.ADMIN)


@require_GET
@staff_page
def alarm_list(request: HttpRequest) -> HttpResponse:
    only_open = request.GET.get("show") != "all"
    context = {
        "here": "today", "lines": alarms.alarm_lines(principal_of(request), only_open=only_open),
        "only_open": only_open, "watcher": has_role(request, *WATCHERS), "at": clock.now(),
    }  # fmt: skip
    return render(request, "console/alarms.html", context)


@require_POST
@staff_page
def acknowledge(request: HttpRequest) -> HttpResponse:
    require_role(request, *WATCHERS)
    keys, note = request.POST.getlist("alarm"), request.POST.get("note", "").strip()
    done = alarms.acknowledge(keys, at=clock.now(), actor=request.user, note=note)
    if not keys:
        messages.error(request, _("Choose alarms first: tick the boxes before them."))
    else:
        told = ngettext("%(count)d alarm is acknowledged.", "%(count)d alarms are acknowledged.", done)
        messages.success(request, told % {"count": done})
    return redirect("console:alarms")
