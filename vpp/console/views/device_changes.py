"""Suspending and resuming devices: a few at once, thousands as a job with its progress."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from vpp.accounts.principals import principal_of
from vpp.console.access import Role, require_role, staff_page
from vpp.console.queries import device_changes, devices
from vpp.enrollment import bulk_changes
from vpp.enrollment.models import Device
from vpp.lib import clock

OPERATORS = (Role.OPERATOR, Role.ADMIN)
AT_ONCE = 500
ITEMS_SHOWN = 10  # by the template of the question
#: What can be done to devices: consequence, button.
CHANGES = {
    "suspend": (
        gettext_noop("They will be planned and dispatched no more until they are resumed."), gettext_noop("Suspend"),
    ),
    "resume": (gettext_noop("They will take part again from the next plan on."), gettext_noop("Resume")),
}  # fmt: skip


@require_http_methods(["GET", "POST"])
@staff_page
def change_devices(request: HttpRequest, change: str) -> HttpResponse:
    """Suspend or resume the devices named by `device`, or with `all` every one that the filters match.

    Asks once. Up to AT_ONCE are changed before the answer, more by a job whose page tells how far it is.
    """
    require_role(request, *OPERATORS)
    if change not in CHANGES:
        raise Http404(f"Nobody can {change} devices.")
    asked = request.POST if request.method == "POST" else request.GET
    ids = _chosen(request, asked)
    codes = list(Device.objects.filter(pk__in=ids[: AT_ONCE + 1]).order_by("code").values_list("code", flat=True))
    back = reverse("console:device", args=[codes[0]]) if len(ids) == 1 else reverse("console:fleet")
    if not ids:
        messages.error(request, _("No device is chosen."))
        return redirect(back)
    confirmed = asked.get("count", "")
    if request.method == "POST" and (not confirmed or confirmed == str(len(ids))):
        return _do(request, change, ids, back)
    if request.method == "POST":
        messages.error(request, _("Meanwhile other devices match. Look at the number, then decide again."))
    consequence, action = CHANGES[change]
    later = _("So many are changed by a job; its page tells how far it is and whom it refused.")
    context: dict[str, Any] = {
        "here": "fleet",
        "title": ngettext("%(action)s: %(count)d device?", "%(action)s: %(count)d devices?", len(ids))
        % {"action": _(action), "count": len(ids)},
        "text": _(consequence) + (f" {later}" if len(ids) > AT_ONCE else ""),
        "items": codes[:AT_ONCE],
        "more": max(len(ids) - ITEMS_SHOWN, 0),
        "hidden": list(_hidden(asked, len(ids))),
        "action": _(action),
        "back": back,
    }
    return render(request, "console/confirm.html", context)


def _chosen(request: HttpRequest, asked: QueryDict) -> list[int]:
    principal = principal_of(request)
    if asked.get("all"):
        return devices.matching_ids(principal, devices.filters_of(_texts(asked)), clock.now())
    found = Device.objects.visible_to(principal).filter(code__in=asked.getlist("device"))
    return list(found.order_by("code").values_list("pk", flat=True))


def _hidden(asked: QueryDict, count: int) -> Iterable[tuple[str, str]]:
    """What the question sends back: the codes, or the filters with the number that was asked about."""
    if not asked.get("all"):
        yield from (("device", code) for code in asked.getlist("device"))
        return
    own = ("count", "reason", "after", "csrfmiddlewaretoken")
    kept = {name: value for name, value in _texts(asked).items() if name not in own}
    yield from {**kept, "count": str(count)}.items()


def _texts(asked: QueryDict) -> dict[str, str]:
    return {name: str(value) for name, value in asked.dict().items()}


def _do(request: HttpRequest, change: str, ids: list[int], back: str) -> HttpResponse:
    reason, at = request.POST.get("reason", "").strip(), clock.now()
    if len(ids) > AT_ONCE:
        job = bulk_changes.enqueue_change(change, ids, at=at, actor=request.user, reason=reason)
        return redirect("console:device_change", job_id=job.pk)
    operation, _standing = bulk_changes.CHANGES[change]
    with transaction.atomic():
        found = Device.objects.filter(pk__in=ids)
        done = sum(operation(one, at=at, actor=request.user, reason=reason) for one in found)
    told = {"action": _(CHANGES[change][1]), "done": done, "count": len(ids)}
    messages.success(request, _("%(action)s: %(done)d of %(count)d devices changed.") % told)
    return redirect(back)


@require_GET
@staff_page
def change_list(request: HttpRequest) -> HttpResponse:
    context = {"here": "fleet", "changes": device_changes.changes(), "at": clock.now()}
    return render(request, "console/device_changes.html", context)


@require_GET
@staff_page
def change_page(request: HttpRequest, job_id: int) -> HttpResponse:
    """How far the job is, and a row for each device it refused."""
    found = device_changes.find_change(job_id)
    if found is None:
        raise Http404(f"There is no change of devices {job_id}.")
    return render(request, "console/device_change.html", {"here": "fleet", "change": found, "at": clock.now()})
