"""Nightly runs and bids for staff; a bid can be taken back before its gate."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bidding.models import Bid
from bidding.operations.bids import end_bid
from bidding.operations.desk import EDITABLE
from bidding.operations.drafts import day_of, gate_of
from vpp.accounts.principals import principal_of
from vpp.console import bid_charts
from vpp.console.access import Role, has_role, require_role, staff_page
from vpp.console.queries import block_groups, day, desk, gates, missing, nightly
from vpp.console.refusals import told
from vpp.console.views.params import parse_date
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.lib.periods import DeliveryDay

TRADERS = (Role.TRADER, Role.ADMIN)


@require_GET
@staff_page
def bid_board(request: HttpRequest) -> HttpResponse:
    page = nightly.bids_page(principal_of(request), parse_date(request.GET.get("date", "")))
    shown = page.delivery_date
    context = {
        "here": "bids",
        "page": page,
        "before": shown - timedelta(days=1) if shown else None,
        "after": shown + timedelta(days=1) if shown else None,
        "trader": has_role(request, *TRADERS),
        "replayed": desk.replayed_days(shown) if shown else [],
        "gates": gates.gates_ahead(principal_of(request), clock.now()),
    }
    return render(request, "console/bids.html", context)


@require_GET
@staff_page
def portfolio_bids(request: HttpRequest, code: str, delivery_date: str) -> HttpResponse:
    principal, chosen, at = principal_of(request), parse_date(delivery_date), clock.now()
    portfolio = next((one for one in day.portfolios(principal) if one.code == code), None)
    if portfolio is None or chosen is None:
        raise Http404(f"There is no portfolio {code}, or {delivery_date} is not a date.")
    earlier = chosen - timedelta(days=1)
    found = nightly.newest_bids(principal, chosen, earlier, portfolio=code)
    bids = [bid for bid in found if bid.delivery_date == chosen]
    before = [bid for bid in found if bid.delivery_date == earlier]
    grid = DeliveryDay(chosen, portfolio.time_zone)
    trader = has_role(request, *TRADERS)
    context = {
        "here": "bids",
        "portfolio": portfolio,
        "date": chosen,
        "earlier": earlier,
        "later": chosen + timedelta(days=1),
        "zone": portfolio.time_zone,
        "chart": bid_charts.bid_chart(bids, before, grid) if bids else None,
        "curves": bid_charts.curve_charts(bids, grid),
        "missing": missing.missing_of(portfolio.pk, chosen, grid),
        "groups": block_groups.block_groups(bids, grid),
        "lines": [day.BidLine(bid, bid.award, None, grid.step_minutes) for bid in bids],
        "earlier_lines": [day.BidLine(bid, bid.award, None, grid.step_minutes) for bid in before],
        "withdrawable": [bid.pk for bid in bids if trader and may_withdraw(bid, at)],
        "editable": [bid.pk for bid in bids if trader and may_edit(bid, at)],
        "gates": gates.gates_ahead(principal, at, portfolio.zone_code),
    }
    return render(request, "console/portfolio_bids.html", context)


def gate_context(bid: Bid) -> dict[str, object]:
    """What a page about one bid says of the time that is left for it."""
    day_of_bid = day_of(bid.product, bid.delivery_date)
    return {"gate_at": gate_of(bid.product, day_of_bid, bid.ask), "gate_zone": day_of_bid.zone}


def may_edit(bid: Bid, at: datetime) -> bool:
    """Held, checked or (on a market) submitted, and its gate is ahead."""
    if bid.state not in EDITABLE or (bid.ask_id and bid.state == Bid.State.SUBMITTED):
        return False
    return at < gate_of(bid.product, day_of(bid.product, bid.delivery_date), bid.ask)


def may_withdraw(bid: Bid, at: datetime) -> bool:
    """A market bid that is not answered, before its gate. A bid on an ask is the utility's to take or leave."""
    if bid.ask_id or Bid.State.WITHDRAWN not in Bid.STEPS.get(Bid.State(bid.state), ()):
        return False
    return at < gate_of(bid.product, day_of(bid.product, bid.delivery_date))


@require_http_methods(["GET", "POST"])
@staff_page
def withdraw(request: HttpRequest, bid_id: int) -> HttpResponse:
    """Ask once, then take the bid back and free its kilowatts."""
    require_role(request, *TRADERS)
    bids = Bid.objects.visible_to(principal_of(request)).select_related("portfolio", "product__market")
    bid, at = get_object_or_404(bids, pk=bid_id), clock.now()
    back = redirect("console:portfolio_bids", code=bid.portfolio.code, delivery_date=bid.delivery_date.isoformat())
    if not may_withdraw(bid, at):
        messages.error(request, _("%(bid)s cannot be withdrawn any more.") % {"bid": bid})
        return back
    if request.method == "POST":
        try:
            reason = request.POST.get("reason", "").strip()
            end_bid(bid, Bid.State.WITHDRAWN, at=at, actor=request.user, reason=reason)
            messages.success(request, _("%(bid)s is withdrawn; its kilowatts are free again.") % {"bid": bid})
        except DomainError as error:
            messages.error(request, told(error))
        return back
    context = {
        "here": "bids",
        "title": _("Withdraw the bid %(bid)s of %(code)s?") % {"bid": bid.product.name, "code": bid.portfolio.code},
        "text": _(
            "The market will not see it again, and the night's plan for this day no longer earns what it expected. "
            "This cannot be undone."
        ),
        "items": [bid.delivery_date.isoformat()],
        "action": _("Withdraw the bid"),
        "back": back["Location"],
        **gate_context(bid),
    }
    return render(request, "console/confirm.html", context)
