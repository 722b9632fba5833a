"""What a utility does here: ask, take or decline a bid, take an ask back, read reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from bidding import operations
from bidding.models import Ask, Bid
from vpp.accounts.models import Participant
from vpp.accounts.principals import principal_of
from vpp.console import ask_form, units
from vpp.console.access import UTILITY, Role, page_for, require_role
from vpp.console.queries.ask_chain import BidLink
from vpp.console.refusals import told
from vpp.console.views.params import parse_date
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.settlement.models import Performance
from vpp.settlement.queries.reports import performance_report

PLANNERS = (Role.UTILITY_PLANNER, Role.UTILITY_APPROVER)
#: What an approver can do with a bid: question, consequence, button.
ANSWERS = {
    "accept": (
        gettext_noop("Order this bid?"),
        gettext_noop(
            "The aggregator is then bound to deliver it and you to pay for what is delivered. It cannot be undone."
        ),
        gettext_noop("Order the bid"),
    ),
    "reject": (
        gettext_noop("Decline this bid?"),
        gettext_noop("Its kilowatts go back to the aggregator. It cannot be undone."),
        gettext_noop("Decline the bid"),
    ),
}


def utility_of(request: HttpRequest) -> Participant:
    """The utility the user works for; our own staff do not ask in a utility's name."""
    participant = principal_of(request).participant
    if participant is None or participant.kind != UTILITY:
        raise PermissionDenied(_("Only a utility's own people may do this."))
    return participant


@require_http_methods(["GET", "POST"])
@page_for(UTILITY)
def new_ask(request: HttpRequest) -> HttpResponse:
    """Ask for flexibility; `?copy=` starts from an earlier ask, a day later."""
    utility, principal, at = utility_of(request), principal_of(request), clock.now()
    require_role(request, *PLANNERS)
    earlier = _copied_from(request)
    point = earlier.congestion_point.code if earlier else request.GET.get("point", "")
    zone = ask_form.distribution_zone(principal, request.POST.get("congestion_point", point))
    refusal: DomainError | None = None
    if request.method == "POST":
        form = ask_form.AskForm(principal, zone, request.POST)
        if form.is_valid():
            try:
                ask, _made = operations.receive_ask(utility=utility, content=form.content(), at=at, actor=request.user)
                messages.success(request, _("Ask %(reference)s is with the aggregator.") % {"reference": ask.reference})
                return redirect("console:ask", reference=ask.reference)
            except DomainError as error:
                refusal = error
    else:
        form = ask_form.AskForm(principal, zone, initial=_initial(earlier, point, zone))
    context = {"here": "asks", "form": form, "zone": zone, "refusal": refusal, "at": at}
    return render(request, "console/ask_form.html", context, status=422 if refusal or form.errors else 200)


def _own_ask(request: HttpRequest, reference: str) -> Ask:
    """The last revision of an ask that is theirs."""
    asks = Ask.objects.visible_to(principal_of(request)).select_related("congestion_point")
    found = asks.newest_revisions(reference)
    if not found:
        raise Http404(f"There is no ask {reference}.")
    return found[0]


def _copied_from(request: HttpRequest) -> Ask | None:
    reference = request.GET.get("copy")
    return _own_ask(request, reference) if reference else None


def _initial(earlier: Ask | None, point: str, zone: str) -> dict[str, Any]:
    if earlier is not None:
        return ask_form.copied(earlier, zone)
    return ask_form.proposed(clock.now(), zone) | {"congestion_point": point}


@require_http_methods(["GET", "POST"])
@page_for(UTILITY)
def answer_bid(request: HttpRequest, bid_id: int, answer: str) -> HttpResponse:
    """Accept or reject a bid on an own ask; asks once."""
    utility_of(request)
    require_role(request, Role.UTILITY_APPROVER)
    bids = Bid.objects.visible_to(principal_of(request)).filter(ask__isnull=False).select_related("ask", "portfolio")
    bid = get_object_or_404(bids, pk=bid_id)
    assert bid.ask is not None
    back = reverse("console:ask", args=[bid.ask.reference])
    if answer not in ANSWERS:
        raise Http404(f"A bid is accepted or rejected, not {answer}.")
    if request.method == "POST":
        at, reason = clock.now(), request.POST.get("reason", "").strip()

        def act() -> object:
            if answer == "accept":
                return operations.accept_bid(bid=bid, at=at, actor=request.user)
            return operations.reject_bid(bid=bid, at=at, actor=request.user, reason=reason)

        done = _("The bid is ordered.") if answer == "accept" else _("The bid is declined.")
        return _done(request, act, done, back)
    title, text, action = ANSWERS[answer]
    return render(
        request,
        "console/confirm.html",
        {
            "here": "asks",
            "title": _(title),
            "text": _(text),
            "action": _(action),
            "back": back,
            "items": offered(BidLink(bid.ask, bid)),
            "gate_at": bid.ask.expires_at,
            "gate_zone": bid.ask.time_zone,
            "gate_label": _("To be decided until"),
        },  # fmt: skip
    )


def offered(link: BidLink) -> list[str]:
    """What an answer is about: energy, price, and what that comes to. Reactive power stands on the ask's page."""
    if link.ask.power_kind == Ask.PowerKind.REACTIVE or link.bid_price is None:
        return []
    told_kwh, told_price = units.quantity(link.bid_kwh, "kWh"), units.price(link.bid_price)
    most = units.money(link.bid_kwh * link.bid_price / 1000.0)
    return [_("%(energy)s at %(price)s: at most %(most)s") % {"energy": told_kwh, "price": told_price, "most": most}]


@require_http_methods(["GET", "POST"])
@page_for(UTILITY)
def withdraw_ask(request: HttpRequest, reference: str) -> HttpResponse:
    utility_of(request)
    require_role(request, *PLANNERS)
    ask = _own_ask(request, reference)
    back = reverse("console:ask", args=[ask.reference])
    if request.method == "POST":
        at, reason = clock.now(), request.POST.get("reason", "").strip()

        def act() -> object:
            return operations.withdraw_ask(ask=ask, at=at, actor=request.user, reason=reason)

        return _done(request, act, _("Ask %(reference)s is withdrawn.") % {"reference": ask.reference}, back)
    context = {
        "here": "asks",
        "title": _("Withdraw ask %(reference)s?") % {"reference": ask.reference},
        "text": _("A bid on it ends too. It cannot be undone."),
        "action": _("Withdraw the ask"),
        "back": back,
    }
    return render(request, "console/confirm.html", context)


def _done(request: HttpRequest, act: Callable[[], object], text: str, back: str) -> HttpResponse:
    """Act, and say what came of it; a refusal is told in the words of the API."""
    try:
        act()
        messages.success(request, text)
    except DomainError as error:
        messages.error(request, f"{told(error)} ({error.code})")
    return redirect(back)


@require_GET
@page_for(UTILITY)
def reports(request: HttpRequest) -> HttpResponse:
    """Delivered against ordered on a day's asks."""
    principal = principal_of(request)
    shown = parse_date(request.GET.get("date", ""))
    if shown is None:
        asks = Performance.objects.visible_to(principal).filter(award__bid__ask__isnull=False)
        shown = asks.aggregate(newest=Max("run__delivery_date"))["newest"]
    rows = list(performance_report(principal, shown).defer("explanation")[:200]) if shown else []
    context = {"here": "reports", "date": shown, "rows": rows}
    return render(request, "console/reports.html", context)
