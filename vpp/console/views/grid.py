"""The grid for staff and for the utility it belongs to."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from vpp.accounts.principals import principal_of
from vpp.console.access import UTILITY, page_for
from vpp.console.grid_charts import feeder_chart
from vpp.console.queries import feeder_study, grid
from vpp.console.views.asks import may_ask
from vpp.console.views.params import parse_date
from vpp.lib import clock
from vpp.network.models import Feeder

CALM_PCT, BUSY_PCT, FULL_PCT = 60, 80, 100  # loadings from which the colour changes
NEAR = 10  # thousandths of nominal voltage from a limit
MOST_ELEMENTS, MOST_VIOLATIONS = 30, 50


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
    page = grid.feeder_page(feeder, shown, at)
    context: dict[str, Any] = {
        "here": "grid",
        "page": page,
        "feeder": feeder,
        "date": shown,
        "at": at,
        "may_ask": may_ask(request),
    }
    if page.study is not None and page.day is not None:
        context |= _picture(request, page)
        context["chart"] = feeder_chart(page.study, page.envelope, page.day)
    answer = render(request, "console/feeder.html", context)
    if "X-Live" in request.headers and page.study is not None:
        answer.headers["HX-Refresh"] = "true"  # what was waited for is there: charts and all
    return answer


def _picture(request: HttpRequest, page: grid.FeederPage) -> dict[str, Any]:
    """The drawing in one interval: the one asked for, or the fullest."""
    study, day = page.study, page.day
    assert study is not None and day is not None
    name = request.GET.get("picture", "forecast")
    shown = study.picture(name)
    asked, fullest = request.GET.get("interval", ""), feeder_study.highest_loading(shown)
    peak = fullest.index(max(fullest)) if fullest else 0
    interval = int(asked) if asked.isdecimal() and int(asked) < day.n_intervals else peak
    drawn, labels = study.drawing, day.local_labels()
    dots = [(dot, shown.voltage.get(dot.code, []), study.band.get(dot.code, (0, 9999))) for dot in drawn.dots]
    links = [(link, shown.loading.get(link.code, [])) for link in drawn.links]
    return {
        "metered": shown is study.metered,
        "interval": interval,
        "label": labels[interval],
        "data": {"labels": labels, "loading": shown.loading, "voltage": shown.voltage, "band": study.band},
        "links": [(link, tone_of(_at(series, interval)), _at(series, interval)) for link, series in links],
        "dots": [(dot, voltage_tone(_at(series, interval), band), _at(series, interval)) for dot, series, band in dots],
        "elements": feeder_study.elements(shown, {link.code: link.kind for link in drawn.links})[:MOST_ELEMENTS],
        "violations": shown.violations[:MOST_VIOLATIONS],
        "last": day.n_intervals - 1,
    }


def _at(series: list[int | None], interval: int) -> int | None:
    return series[interval] if interval < len(series) else None


def tone_of(percent: int | None) -> str:
    """The colour class of a loading; grey where no rating is known."""
    if percent is None:
        return "unknown"
    return "over" if percent > FULL_PCT else "full" if percent > BUSY_PCT else "busy" if percent > CALM_PCT else "calm"


def voltage_tone(thousandths: int | None, band: tuple[int, int]) -> str:
    """The colour class of a voltage: outside its band, within a hundredth of a limit, or well inside."""
    if thousandths is None:
        return "unknown"
    inside = min(thousandths - band[0], band[1] - thousandths)
    return "over" if inside < 0 else "full" if inside < NEAR else "calm"
