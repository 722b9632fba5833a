"""Asks: the board, and one ask's chain."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bidding.models import Ask, Bid
from vpp.accounts.principals import principal_of
from vpp.console import charts
from vpp.console.access import UTILITY, Role, has_role, page_for
from vpp.console.queries import ask_chain, asks
from vpp.lib import clock


@require_GET
@page_for(UTILITY)
def ask_board(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    columns = asks.board(principal_of(request), at)
    context = {
        "columns": columns,
        "any_ask": any(column.cards for column in columns),
        "at": at,
        "zone": asks.board_zone(columns),
        "here": "asks",
        "may_ask": may_ask(request),
    }
    return render(request, "console/asks.html", context)


@require_GET
@page_for(UTILITY)
def ask_page(request: HttpRequest, reference: str) -> HttpResponse:
    """One ask; where two utilities used the same reference, `?utility=` tells which."""
    principal = principal_of(request)
    found = ask_chain.asks_by_reference(principal, reference)
    if utility := request.GET.get("utility"):
        found = [ask for ask in found if ask.utility.code == utility]
    if not found:
        raise Http404(f"There is no ask {reference}, or it is not yours.")
    if len(found) > 1:
        return render(request, "console/ask_choice.html", {"asks": found, "here": "asks"})
    chain = ask_chain.ask_chain(principal, found[0])
    context = {
        "here": "asks",
        "chain": chain,
        "link": chain.live,
        "zone": chain.ask.time_zone,
        "at": clock.now(),
        "chart": charts.ask_chart(chain),
        "staff": principal.sees_all,
        "may_ask": may_ask(request),
        "may_withdraw": may_ask(request) and Ask.State.WITHDRAWN in Ask.STEPS.get(Ask.State(chain.ask.state), ()),
        "may_answer": is_utility(request) and has_role(request, Role.UTILITY_APPROVER) and is_open(chain),
    }
    return render(request, "console/ask.html", context)


def is_utility(request: HttpRequest) -> bool:
    participant = principal_of(request).participant
    return participant is not None and participant.kind == UTILITY


def may_ask(request: HttpRequest) -> bool:
    return is_utility(request) and has_role(request, Role.UTILITY_PLANNER, Role.UTILITY_APPROVER)


def is_open(chain: ask_chain.AskChain) -> bool:
    """Whether the live bid waits for the utility: it is sent, and the ask has come to it."""
    return (
        chain.ask.state == Ask.State.BID
        and chain.live is not None
        and chain.live.bid.state in (Bid.State.SUBMITTED, Bid.State.ACKNOWLEDGED)
    )
