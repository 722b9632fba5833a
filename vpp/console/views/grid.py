"""The grid for staff and for the utility it belongs to."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from vpp.accounts.principals import principal_of
from vpp.console.access import UTILITY, page_for
from vpp.console.queries import grid
from vpp.console.views.asks import may_ask
from vpp.console.views.params import parse_date
from vpp.lib import clock
from vpp.network.models import Feeder

CALM, BUSY, FULL = 0.6, 0.8, 1.0  # loadings, pu, from which the colour changes


@require_GET
@page_for(UTILITY)
def feeder_table(request: HttpRequest) -> HttpResponse:
    context = {"here": "grid", "lines": grid.feeder_lines(principal_of(request)), "may_ask": may_ask(request)}
    return render(request, "console/grid.html", context)


@require_GET
@page_for(UTILITY)
def feeder_page(request: HttpRequest, code: str) -> HttpResponse:
    principal, at = principal_of(request), clock.now()
    feeder = Feeder.objects.visible_to(principal).filter(code=code).select_related("utility", "substation").first()
    if feeder is None:
        raise Http404(f"There is no feeder {code}, or it is not yours.")
    shown = parse_date(request.GET.get("date", "")) or grid.last_forecast_date(principal, feeder)
    page = grid.feeder_page(principal, feeder, shown, at)
    context: dict[str, Any] = {
        "here": "grid",
        "page": page,
        "feeder": feeder,
        "date": shown,
        "at": at,
        "may_ask": may_ask(request),
    }
    if page.screening is not None and page.day is not None:
        context |= _picture(request, page)
    return render(request, "console/feeder.html", context)


def _picture(request: HttpRequest, page: grid.FeederPage) -> dict[str, Any]:
    """The drawing in one interval: the one asked for, or the fullest."""
    screening, day = page.screening, page.day
    assert screening is not None and day is not None
    asked = request.GET.get("interval", "")
    interval = int(asked) if asked.isdecimal() and int(asked) < day.n_intervals else grid.peak_interval(screening)
    data = grid.picture_data(screening, day.local_labels())
    loading = {code: series[interval] for part in ("branches", "transformers") for code, series in data[part].items()}
    drawn = page.schematic
    return {
        "interval": interval,
        "label": data["labels"][interval],
        "data": data,
        "links": [(link, tone_of(loading.get(link.code)), loading.get(link.code)) for link in drawn.links]
        if drawn
        else [],
        "dots": [(dot, data["nodes"][dot.code][interval]) for dot in drawn.dots] if drawn else [],
        "elements": grid.elements(screening)[:30],
        "violations": screening.violations[: grid.MOST_VIOLATIONS],
        "last": day.n_intervals - 1,
    }


def tone_of(percent: int | None) -> str:
    """The colour class of a loading; grey where no rating is known."""
    if percent is None:
        return "unknown"
    share = percent / 100.0
    return "over" if share > FULL else "full" if share > BUSY else "busy" if share > CALM else "calm"
