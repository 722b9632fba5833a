"""Settlement for staff: runs, an award with the baseline behind it, the ledger."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from vpp.accounts.principals import principal_of
from vpp.console import settlement_charts
from vpp.console.access import staff_page
from vpp.console.queries import ledger, settlement
from vpp.console.views.params import page_number, parse_date
from vpp.settlement.models import Performance, SettlementRun
from vpp.settlement.queries import resettlement_dates


@require_GET
@staff_page
def run_list(request: HttpRequest) -> HttpResponse:
    asked = request.GET
    state = asked.get("state", "") if asked.get("state", "") in SettlementRun.State.values else ""
    day, portfolio = parse_date(asked.get("date", "")), asked.get("portfolio", "").strip()
    page = settlement.run_list(
        principal_of(request), day=day, portfolio=portfolio, state=state, page=page_number(asked.get("page", "1"))
    )
    filters = {"date": day, "portfolio": portfolio, "state": state}
    context = {"page": page, "filters": filters, "states": SettlementRun.State.choices, "here": "settlement"}
    return render(request, "console/settlement.html", context)


@require_GET
@staff_page
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    runs = SettlementRun.objects.visible_to(principal_of(request))
    run = runs.filter(pk=run_id).select_related("portfolio").first()
    if run is None:
        raise Http404(f"There is no settlement run {run_id}.")
    context = {
        "here": "settlement",
        "run": run,
        "zone": run.portfolio.time_zone,
        "versions": settlement.run_versions(run),
        "awards": settlement.awards_of_run(run),
    }
    return render(request, "console/settlement_run.html", context)


@require_GET
@staff_page
def award_page(request: HttpRequest, performance_id: int) -> HttpResponse:
    """How one award was settled: what was chosen, what it comes to, who delivered."""
    performance = (
        Performance.objects.visible_to(principal_of(request))
        .filter(pk=performance_id)
        .select_related("run__portfolio", "award__bid__product__market", "award__bid__ask")
        .first()
    )
    if performance is None:
        raise Http404(f"There is no settled award {performance_id}.")
    page = settlement.award_page(performance)
    run, bid = performance.run, performance.award.bid
    context = {
        "here": "settlement",
        "page": page,
        "performance": performance,
        "bid": bid,
        "due": resettlement_dates(bid.product.market.code, run.delivery_date, run.portfolio.zone_code),
        "zone": page.day.zone,
        "chart": settlement_charts.award_chart(page),
        "groups": [
            (group, settlement_charts.baseline_chart(group, page), f"baseline-{number}")
            for number, group in enumerate(page.groups, 1)
        ],
        "components": settlement.components(performance),
    }
    return render(request, "console/settled_award.html", context)


@require_GET
@staff_page
def ledger_page(request: HttpRequest) -> HttpResponse:
    page = ledger.ledger_page(
        account=request.GET.get("account", "").strip(),
        day=parse_date(request.GET.get("date", "")),
        page=page_number(request.GET.get("page", "1")),
    )
    return render(request, "console/ledger.html", {"page": page, "here": "settlement"})
