"""Enrollment: sites on their way in, one site's steps, and what a portfolio may be sold for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from telemetry.queries import interval_power_kw
from vpp.accounts.principals import principal_of
from vpp.console import enrollment_forms as step_forms
from vpp.console.access import Role, has_role, require_role, staff_page
from vpp.console.queries import eligibility as eligible
from vpp.console.queries import enrollment
from vpp.console.views.params import page_number
from vpp.dispatch import operations as dispatch
from vpp.enrollment import onboarding
from vpp.enrollment.models import Device, Portfolio, Site
from vpp.lib import clock
from vpp.lib.errors import DomainError

OPERATORS = (Role.OPERATOR, Role.ADMIN)
#: The steps of the wizard: key, title, why it is there.
STEPS = [
    ("owner", gettext_lazy("Owner"), gettext_lazy("Whose the site is; it may change hands, from a day on.")),
    ("consent", gettext_lazy("Consent"), gettext_lazy("The owner agrees before anything is measured or moved.")),
    ("contract", gettext_lazy("Contract"), gettext_lazy("How the owner is paid; one contract holds for all sites.")),
    ("meter", gettext_lazy("Meter"), gettext_lazy("The site's own meter is what the baseline is settled on.")),
    ("devices", gettext_lazy("Devices"), gettext_lazy("What can be moved, its ratings and its owner's terms.")),
    ("telemetry", gettext_lazy("Telemetry check"), gettext_lazy("Every device must be heard within the last hour.")),
    ("test", gettext_lazy("Prequalification test"), gettext_lazy("Asked for a change of power, it must have made it.")),
    ("portfolio", gettext_lazy("Portfolio"), gettext_lazy("From then on it is planned, sold and dispatched.")),
]


@require_GET
@staff_page
def site_list(request: HttpRequest) -> HttpResponse:
    search, at = request.GET.get("q", "").strip(), clock.now()
    page = enrollment.site_list(principal_of(request), search, page_number(request.GET.get("page", "1")), at)
    context = {"here": "enrollment", "page": page, "search": search, "operator": has_role(request, *OPERATORS)}
    return render(request, "console/enrollment.html", context)


@require_http_methods(["GET", "POST"])
@staff_page
def new_site(request: HttpRequest) -> HttpResponse:
    require_role(request, *OPERATORS)
    form = step_forms.SiteForm(request.POST or None)
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data
            who: dict[str, Any] = {"at": clock.now(), "actor": request.user}
            with transaction.atomic():  # no owner without the site
                owner = onboarding.register_owner(code=data["owner_code"], name=data["owner_name"], **who)
                site = onboarding.register_site(owner=owner, fields=form.site_fields(), **who)
            messages.success(
                request, _("Site %(code)s is registered. Next: the owner's consent.") % {"code": site.code}
            )
            return redirect("console:enroll_site", code=site.code)
        except DomainError as error:
            refusal = error
    context = {"here": "enrollment", "form": form, "refusal": refusal}
    return render(request, "console/enroll_new.html", context, status=422 if refusal or form.errors else 200)


@require_http_methods(["GET", "POST"])
@staff_page
def site_page(request: HttpRequest, code: str) -> HttpResponse:
    """The wizard of one site; `?step=` opens a step, else the first that is not taken."""
    sites = Site.objects.visible_to(principal_of(request)).select_related("owner")
    site, at = get_object_or_404(sites, code=code), clock.now()
    page = enrollment.site_page(site, at)
    done = page.done()
    step = request.GET.get("step") or next((key for key, taken in done.items() if not taken), "portfolio")
    if step not in done:
        raise Http404(f"Enrolling a site has no step {step}.")
    form = step_forms.form_of(step, page, request.POST or None)
    refusal: DomainError | None = None
    if request.method == "POST":
        require_role(request, *OPERATORS)
        if form is not None and form.is_valid():
            try:
                messages.success(request, TAKE[step](form, page, {"at": at, "actor": request.user}))
                return redirect("console:enroll_site", code=site.code)
            except DomainError as error:
                refusal = error
    context = {
        "here": "enrollment", "page": page, "site": site, "step": step, "form": form, "refusal": refusal, "at": at,
        "zone": site.time_zone, "operator": has_role(request, *OPERATORS),
        "steps": [(key, title, why, done[key]) for key, title, why in STEPS],
        "heard": [(one, one.is_fresh(at)) for one in page.heard],
    }  # fmt: skip
    wrong = refusal or (form is not None and form.errors)
    return render(request, "console/enroll_site.html", context, status=422 if wrong else 200)


Who = dict[str, Any]


def _owner(form: Any, page: enrollment.SitePage, who: Who) -> str:
    data, site = form.cleaned_data, page.site
    with transaction.atomic():  # no owner without the site
        owner = onboarding.register_owner(code=data["owner_code"], name=data["owner_name"], **who)
        dispatch.hand_site_over(site, owner, since=form.since(site.time_zone), reason=data["reason"], **who)
    return _("%(site)s is %(owner)s's. Their consent comes next; then its devices can be resumed.") % {
        "site": site.code, "owner": owner.name,
    }  # fmt: skip


def _consent(form: Any, page: enrollment.SitePage, who: Who) -> str:
    data = form.cleaned_data
    onboarding.record_consent(page.site, given_by=data["given_by"], document=data["document"], **who)
    return _("The consent is recorded.")


def _contract(form: Any, page: enrollment.SitePage, who: Who) -> str:
    fields = dict(form.cleaned_data)
    fields["owner_share_pu"] = onboarding.share_of(fields.pop("owner_share_pct"))
    contract = onboarding.agree_contract(page.site.owner, fields=fields, **who)
    return _("Contract %(code)s holds from now on.") % {"code": contract.code}


def _meter(form: Any, page: enrollment.SitePage, who: Who) -> str:
    fields = {
        "code": form.cleaned_data["code"], "kind": Device.Kind.METER, "name": "meter",
        "max_consumption_kw": page.site.import_limit_kw, "max_production_kw": page.site.export_limit_kw,
    }  # fmt: skip
    device, _terms = onboarding.add_device(page.site, fields=fields, terms={}, **who)
    return _("Meter %(code)s is registered.") % {"code": device.code}


def _device(form: Any, page: enrollment.SitePage, who: Who) -> str:
    device, _terms = onboarding.add_device(page.site, fields=form.device_fields(), terms=form.terms(), **who)
    return _("Device %(code)s is registered.") % {"code": device.code}


def _test(form: Any, page: enrollment.SitePage, who: Who) -> str:
    data = form.cleaned_data
    device = next(one for one in page.devices if one.code == data["device"])
    start, length = form.window_start(), timedelta(minutes=data["minutes"])
    power_kw = interval_power_kw([device.pk], start - length, start + length, who["at"])[0]
    half = power_kw.size // 2
    verdict = onboarding.judge_test(power_kw[:half], power_kw[half:], data["asked_up_kw"])
    onboarding.record_test(
        device, verdict, start=start, minutes=data["minutes"], asked_up_kw=data["asked_up_kw"], **who
    )
    if not verdict.passed:
        raise onboarding.StepRefused(f"{device.code} did not pass: {verdict.reason}")
    return _("%(code)s has passed: %(kw).1f kW delivered.") % {"code": device.code, "kw": verdict.delivered_up_kw}


def _portfolio(form: Any, page: enrollment.SitePage, who: Who) -> str:
    portfolio = Portfolio.objects.get(code=form.cleaned_data["portfolio"])
    joined = [
        onboarding.enroll_device(device, portfolio, **who)
        for device in page.controllable
        if device.pk not in page.members
    ]
    told = ngettext(
        "%(count)d device is sold with %(code)s from now on.",
        "%(count)d devices are sold with %(code)s from now on.",
        len(joined),
    )
    return told % {"count": len(joined), "code": portfolio.code}


TAKE: dict[str, Callable[[Any, enrollment.SitePage, Who], str]] = {
    "owner": _owner, "consent": _consent, "contract": _contract, "meter": _meter, "devices": _device, "test": _test,
    "portfolio": _portfolio,
}  # fmt: skip


@require_GET
@staff_page
def eligibility(request: HttpRequest) -> HttpResponse:
    principal, at = principal_of(request), clock.now()
    chosen = request.GET.get("portfolio", "").strip()
    context = {
        "here": "enrollment",
        "lines": eligible.eligibility(principal, at, chosen),
        "chosen": chosen,
        "portfolios": Portfolio.objects.visible_to(principal).order_by("code").values_list("code", flat=True)[:500],
    }
    return render(request, "console/eligibility.html", context)
