"""Feeders, their congestion points, and a feeder's forecast day after a power flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db.models import Max, Prefetch, Sum

from forecasting.models import ForecastRun
from forecasting.queries import NoForecast, feeder_forecast
from vpp.accounts.models import Principal
from vpp.console.schematic import Schematic, lay_out
from vpp.lib.errors import DomainError
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint, Feeder
from vpp.network.operations import ScreeningResult, screen
from vpp.network.queries import feeder_model

FEEDER_LIMIT = 200
MOST_NODES = 600  # more are not drawn, and not calculated while somebody waits
MOST_VIOLATIONS = 50
STEP_MINUTES = 15


@dataclass(frozen=True)
class FeederLine:
    feeder: Feeder
    rated_kva: float | None
    points: list[CongestionPoint]
    last_forecast: date | None


@dataclass
class FeederPage:
    """`screening` is None where there is no forecast, no grid to calculate on, or where `problem` says why."""

    feeder: Feeder
    day: DeliveryDay | None
    points: list[CongestionPoint]
    run: ForecastRun | None = None
    screening: ScreeningResult | None = None
    schematic: Schematic | None = None
    problem: str = ""


def feeder_lines(principal: Principal) -> list[FeederLine]:
    points = CongestionPoint.objects.order_by("code")
    feeders = list(
        Feeder.objects.visible_to(principal)
        .select_related("utility", "substation")
        .annotate(rated_kva=Sum("transformers__rated_kva"))
        .prefetch_related(Prefetch("congestion_points", points))
        .order_by("code")[:FEEDER_LIMIT]
    )
    runs = ForecastRun.objects.visible_to(principal).filter(portfolio=None).exclude(feeder_code="")
    newest = dict(runs.values_list("feeder_code").annotate(newest=Max("delivery_date")).order_by())
    return [FeederLine(one, one.rated_kva, list(one.congestion_points.all()), newest.get(one.code)) for one in feeders]


def last_forecast_date(principal: Principal, feeder: Feeder) -> date | None:
    runs = ForecastRun.objects.visible_to(principal).filter(portfolio=None, feeder_code=feeder.code)
    return runs.aggregate(newest=Max("delivery_date"))["newest"]


def feeder_page(principal: Principal, feeder: Feeder, delivery_date: date | None, at: datetime) -> FeederPage:
    """The forecast of the day's net load per node, laid through the grid."""
    page = FeederPage(feeder, None, list(feeder.congestion_points.order_by("code")))
    if delivery_date is None:
        page.problem = "No forecast of this feeder yet."
        return page
    try:
        run, rows = feeder_forecast(principal, feeder.code, delivery_date, at)
    except NoForecast as error:
        page.problem = error.message
        return page
    page.run, page.day = run, DeliveryDay(delivery_date, run.time_zone, run.step_minutes)
    nodes = {row.node_code: np.asarray(row.mean_kw, dtype=np.float64) for row in rows if row.node_code}
    model = feeder_model(feeder.code)
    if len(model.nodes.codes) > MOST_NODES:
        page.problem = f"{len(model.nodes.codes)} nodes are too many to draw; the API answers per node."
        return page
    try:
        page.screening = screen(feeder.code, nodes, page.day.starts64(), at)
    except DomainError as error:
        page.problem = error.message
        return page
    page.schematic = lay_out(model)
    return page


def peak_interval(screening: ScreeningResult) -> int:
    """The interval with the highest loading of any element."""
    worst = worst_loading(screening)
    return int(np.nanargmax(worst)) if worst.size and not np.isnan(worst).all() else 0


def worst_loading(screening: ScreeningResult) -> np.ndarray:
    """(H,) highest loading of any branch or transformer, pu; 0 where nothing is rated."""
    loading = np.hstack([screening.branch_loading_pu, screening.transformer_loading_pu])
    loading = np.where(np.isfinite(loading), loading, 0.0)
    return loading.max(axis=1, initial=0.0)


def elements(screening: ScreeningResult) -> list[dict[str, Any]]:
    """Each branch and transformer with its highest loading and when that is, the highest first."""
    found = []
    for kind, codes, loading in (
        ("line", screening.branch_codes, screening.branch_loading_pu),
        ("transformer", screening.transformer_codes, screening.transformer_loading_pu),
    ):
        for column, code in enumerate(codes):
            series = np.where(np.isfinite(loading[:, column]), loading[:, column], np.nan)
            if np.isnan(series).all():
                continue  # no rating known, or no solution
            top = int(np.nanargmax(series))
            found.append({"kind": kind, "code": code, "top": float(series[top]), "interval": top})
    return sorted(found, key=lambda one: -one["top"])


def picture_data(screening: ScreeningResult, labels: list[str]) -> dict[str, Any]:
    """What the slider shows: loading of elements and deviation of voltages in whole percent per interval."""

    def percent(values: np.ndarray) -> list[list[int | None]]:
        return [[None if not np.isfinite(value) else round(float(value) * 100) for value in row] for row in values.T]

    return {
        "labels": labels,
        "branches": dict(zip(screening.branch_codes, percent(screening.branch_loading_pu), strict=True)),
        "transformers": dict(zip(screening.transformer_codes, percent(screening.transformer_loading_pu), strict=True)),
        "nodes": dict(zip(screening.node_codes, percent(screening.voltage_pu), strict=True)),
    }
