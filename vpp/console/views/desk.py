"""The trader's desk: hold, change and release a bid before its gate, and try a battery on a day's prices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods

from bidding import operations
from bidding.models import Bid
from bidding.operations.desk import EDITABLE
from vpp.accounts.principals import principal_of
from vpp.console import bid_charts
from vpp.console.access import Role, require_role, staff_page
from vpp.console.block_lines import lines_of_blocks
from vpp.console.desk_forms import BlockForm, EditForm, WhatIfForm
from vpp.console.queries import desk
from vpp.console.refusals import told
from vpp.console.views.bids import gate_context
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.lib.periods import DeliveryDay

TRADERS = (Role.TRADER, Role.ADMIN)
WHAT_IF_LIMIT_S = 20.0
#: What can be done with a bid: operation, question, consequence, button, what came of it.
CHANGES: dict[str, tuple[Callable[..., Bid], str, str, str, str]] = {
    "hold": (
        operations.hold_bid, gettext_noop("Hold this bid back?"),
        gettext_noop("Its market does not see it while it is held; its kilowatts stay claimed."),
        gettext_noop("Hold the bid"), gettext_noop("The bid is held."),
    ),
    "release": (
        operations.release_bid, gettext_noop("Release this bid?"),
        gettext_noop("It goes to its market before the gate."), gettext_noop("Release the bid"),
        gettext_noop("The bid is released."),
    ),
}  # fmt: skip


def _bid(request: HttpRequest, bid_id: int) -> Bid:
    bids = Bid.objects.visible_to(principal_of(request)).select_related("portfolio", "product__market", "ask")
    return get_object_or_404(bids, pk=bid_id)


def _back(bid: Bid) -> HttpResponse:
    return redirect("console:portfolio_bids", code=bid.portfolio.code, delivery_date=bid.delivery_date.isoformat())


@require_http_methods(["GET", "POST"])
@staff_page
def change(request: HttpRequest, bid_id: int, change: str) -> HttpResponse:
    """Hold or release; asks once, wants a reason."""
    require_role(request, *TRADERS)
    if change not in CHANGES:
        raise Http404(f"Nobody can {change} a bid.")
    operation, title, text, action, done = CHANGES[change]
    bid = _bid(request, bid_id)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        try:
            operation(bid=bid, at=clock.now(), actor=request.user, reason=reason)
            messages.success(request, _(done))
        except DomainError as error:
            messages.error(request, f"{told(error, bid.portfolio.time_zone)} ({error.code})")
        return _back(bid)
    context = {
        "here": "bids", "title": _(title), "text": _(text), "action": _(action), "items": [str(bid)],
        "reason_required": True, "back": _back(bid)["Location"], **gate_context(bid),
    }  # fmt: skip
    return render(request, "console/confirm.html", context)


def _changed(request: HttpRequest, made: Bid) -> HttpResponse:
    in_force = _("The bid is changed; version %(number)d is in force.") % {"number": made.version}
    messages.success(request, in_force)
    if made.state == Bid.State.HELD:
        messages.info(request, _("It is still held back: release it before the gate."))
    return _back(made)


def _overtaken(request: HttpRequest, bid: Bid) -> HttpResponse:
    """Somebody was faster, or the market has answered: nothing is changed, and the page shows what holds instead."""
    last = bid.events.order_by("-pk").first()
    text = _("%(bid)s can no longer be changed: %(state)s. Nothing was done; what is in force stands here.")
    state = _(bid.get_state_display()) + (f" ({last.reason})" if last and last.reason else "")
    messages.error(request, text % {"bid": bid, "state": state})
    return _back(bid)


@require_http_methods(["GET", "POST"])
@staff_page
def edit(request: HttpRequest, bid_id: int) -> HttpResponse:
    """Another quantity or price in a window, or other blocks; checked like a bid of the night, refused in its words."""
    require_role(request, *TRADERS)
    bid = _bid(request, bid_id)
    if bid.state not in EDITABLE:
        return _overtaken(request, bid)
    day = DeliveryDay(bid.delivery_date, bid.product.market.time_zone if bid.blocks else bid.portfolio.time_zone)
    form: BlockForm | EditForm = EditForm(request.POST or None)
    if bid.blocks:
        form = BlockForm(request.POST or None, initial={"blocks": lines_of_blocks(bid.blocks, day)})
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            wanted = form.change_of(bid, day.zone)
            reason = form.cleaned_data["reason"]
            made = operations.edit_bid(bid=bid, at=clock.now(), actor=request.user, reason=reason, change=wanted)
            return _changed(request, made)
        except ValueError as error:
            form.add_error("blocks" if bid.blocks else "ends", str(error))
        except DomainError as error:
            refusal = error
            bid.refresh_from_db()  # nothing happened, whatever the attempt left in memory
    context = {
        "here": "bids", "bid": bid, "form": form, "refusal": refusal, "zone": day.zone,
        "chart": bid_charts.bid_chart([bid], [], day), "curves": bid_charts.curve_charts([bid], day),
        "back": _back(bid)["Location"], **gate_context(bid),
        "block_hours": bid.product.block_minutes // 60 if not bid.ask_id and bid.product.block_minutes > 60 else 0,
    }  # fmt: skip
    return render(request, "console/bid_edit.html", context, status=422 if refusal or form.errors else 200)


@require_http_methods(["GET", "POST"])
@staff_page
def what_if(request: HttpRequest) -> HttpResponse:
    """What a battery would have earned on a day's prices; nothing is stored."""
    products = {one.pk: one for one in desk.energy_products()}
    choices = [(pk, f"{one.market.name}, {one.name}") for pk, one in products.items()]
    form = WhatIfForm(choices, request.POST or None)
    context: dict[str, Any] = {"here": "bids", "form": form}
    if request.method == "POST" and form.is_valid():
        product = products[int(form.cleaned_data["product"])]
        day = DeliveryDay(form.cleaned_data["delivery_date"], product.market.time_zone)
        prices = desk.prices_of(product, day)
        try:
            if not prices:
                raise NoPrices(_("There are no prices of this market for the whole day."))
            question = form.document(prices, product.block_minutes, day.zone)
            answer = operations.what_if(question, time_limit_s=WHAT_IF_LIMIT_S)
            context |= {
                "answer": answer, "day": day, "product": product,
                "chart": bid_charts.what_if_chart(answer, prices, product.block_minutes, day),
            }  # fmt: skip
        except ValueError as error:
            form.add_error("blocks", str(error))
        except DomainError as error:
            context["refusal"] = error
    wrong = "refusal" in context or bool(form.errors)
    return render(request, "console/what_if.html", context, status=422 if wrong else 200)


class NoPrices(DomainError):
    code = "no_prices"
