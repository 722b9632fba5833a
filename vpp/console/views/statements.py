"""Statements: staff make and send them, owners read, accept or dispute theirs."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from vpp.accounts.principals import principal_of
from vpp.console.access import OWNER, Role, has_role, page_for, require_role, staff_page
from vpp.console.refusals import told
from vpp.console.views.params import page_number, parse_date
from vpp.lib import clock
from vpp.lib.errors import DomainError
from vpp.settlement import operations
from vpp.settlement.models import Statement
from vpp.settlement.queries.statements import held, paid_so_far

SETTLERS = (Role.SETTLEMENT, Role.ADMIN)
PAGE_SIZE = 50


@require_GET
@page_for(OWNER)
def statement_list(request: HttpRequest) -> HttpResponse:
    principal, asked = principal_of(request), request.GET
    state = asked.get("state", "") if asked.get("state", "") in Statement.State.values else ""
    search, page = asked.get("q", "").strip(), page_number(asked.get("page", "1"))
    found = Statement.objects.visible_to(principal).select_related("owner")
    if state:
        found = found.filter(state=state)
    if search:
        found = found.filter(owner__name__icontains=search)
    start = (page - 1) * PAGE_SIZE
    rows = list(found.order_by("-pk")[start : start + PAGE_SIZE + 1])
    context = {
        "here": "statements", "rows": rows[:PAGE_SIZE], "number": page, "has_next": len(rows) > PAGE_SIZE,
        "state": state, "search": search, "states": Statement.State.choices, "staff": principal.sees_all,
        "settler": principal.sees_all and has_role(request, *SETTLERS),
    }  # fmt: skip
    return render(request, "console/statements.html", context)


@require_POST
@staff_page
def make_statements(request: HttpRequest) -> HttpResponse:
    """Provisional statements of a period of settled days; a repeat that finds nothing new makes nothing."""
    require_role(request, *SETTLERS)
    first, last = parse_date(request.POST.get("first", "")), parse_date(request.POST.get("last", ""))
    if first is None or last is None or last < first:
        messages.error(request, _("Name a first and a last day, in this order."))
    else:
        try:
            made = operations.make_statements(first=first, last=last, at=clock.now(), actor=request.user)
        except DomainError as error:
            messages.error(request, f"{told(error)} ({error.code})")
        else:
            _tell(request, len(made))
    return redirect("console:statements")


def _tell(request: HttpRequest, count: int) -> None:
    if not count:
        messages.error(request, _("No owner earned anything on the settled days of this period."))
        return
    text = ngettext("%(count)d statement stands for this period.", "%(count)d statements stand for this period.", count)
    messages.success(request, text % {"count": count})


@require_GET
@page_for(OWNER)
def statement_page(request: HttpRequest, statement_id: int) -> HttpResponse:
    principal = principal_of(request)
    statement = _statement(request, statement_id)
    context = {
        "here": "statements",
        "statement": statement,
        "lines": statement.lines.select_related(AWARDED_ASK, AWARDED_MARKET).order_by("delivery_date", "pk")[:500],
        "line_count": statement.lines.count(),
        "events": statement.events.order_by("at", "pk"),
        "held": bool(held([statement])),
        "paid": paid_so_far([statement])[statement.pk],
        "staff": principal.sees_all,
        "steps": _steps(request, statement),
    }
    return render(request, "console/statement.html", context)


#: What a line was earned with: the bid behind its payout.
AWARDED_ASK = "payout__performance__award__bid__ask"
AWARDED_MARKET = "payout__performance__award__bid__product__market"
#: A step: who may take it, the state it leads to, question, consequence, button.
STEPS: dict[str, tuple[str, Statement.State, str, str, str]] = {
    "send": (
        "settler", Statement.State.FINAL, gettext_noop("Send this statement?"),
        gettext_noop("It gets its number, and the owner sees it."), gettext_noop("Send"),
    ),
    "accept": (
        "owner", Statement.State.ACCEPTED, gettext_noop("Accept this statement?"),
        gettext_noop("It is paid with the next payment file."), gettext_noop("Accept"),
    ),
    "dispute": (
        "owner", Statement.State.DISPUTED, gettext_noop("Dispute this statement?"),
        gettext_noop("It is not paid before it is settled with you. Say what is wrong."), gettext_noop("Dispute"),
    ),
}  # fmt: skip


def _steps(request: HttpRequest, statement: Statement) -> list[tuple[str, str]]:
    """(key, button) of what this user may do with the statement now."""
    open_to = Statement.STEPS[Statement.State(statement.state)]
    return [
        (key, _(action))
        for key, (who, to, _title, _text, action) in STEPS.items()
        if to in open_to and _is(request, who)
    ]


def _is(request: HttpRequest, who: str) -> bool:
    principal = principal_of(request)
    if who == "settler":
        return principal.sees_all and has_role(request, *SETTLERS)
    return not principal.sees_all


@require_http_methods(["GET", "POST"])
@page_for(OWNER)
def step_statement(request: HttpRequest, statement_id: int, step: str) -> HttpResponse:
    """One step of a statement's life; asks once."""
    statement = _statement(request, statement_id)
    if step not in STEPS:
        raise Http404(f"A statement has no step {step}.")
    who, to, title, text, action = STEPS[step]
    if not _is(request, who):
        require_role(request, *(SETTLERS if who == "settler" else (Role.OWNER,)))
        raise Http404("Only its owner takes this step.")
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()
        try:
            if to == Statement.State.FINAL:
                operations.finalise(statement, at=clock.now(), actor=request.user)
            else:
                operations.step_statement(statement, to, at=clock.now(), actor=request.user, reason=reason)
            named = _("Statement no. %(number)s") % {"number": statement.number} if statement.number else str(statement)
            messages.success(request, f"{named}: {_(str(statement.get_state_display()))}.")
        except DomainError as error:
            messages.error(request, f"{told(error)} ({error.code})")
        return redirect("console:statement", statement_id=statement.pk)
    context = {
        "here": "statements", "title": _(title), "text": _(text), "action": _(action),
        "reason_required": step == "dispute", "back": f"/statements/{statement.pk}/",
    }  # fmt: skip
    return render(request, "console/confirm.html", context)


def _statement(request: HttpRequest, statement_id: int) -> Statement:
    return get_object_or_404(
        Statement.objects.visible_to(principal_of(request)).select_related("owner"), pk=statement_id
    )
