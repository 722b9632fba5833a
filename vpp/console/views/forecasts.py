"""The forecast board: how good the forecasts of the last weeks were, and where they drift."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from forecasting.queries import accuracy_board
from vpp.console import forecast_charts
from vpp.console.access import staff_page
from vpp.console.views.params import parse_date


@require_GET
@staff_page
def board(request: HttpRequest) -> HttpResponse:
    days = request.GET.get("days", "28")
    length = int(days) if days in ("7", "28", "90") else 28
    page = accuracy_board(until=parse_date(request.GET.get("until", "")), days=length)
    context = {
        "here": "forecasts", "page": page, "days": length, "lengths": (7, 28, 90),
        "chart": forecast_charts.class_chart(page) if page.classes else None,
    }  # fmt: skip
    return render(request, "console/forecasts.html", context)
