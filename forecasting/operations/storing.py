"""Compute one run's own part and store it: totals, devices or nodes, envelopes, scenarios, estimator parameters."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.models import Envelope, Estimator, Forecast, ForecastRun, ScenarioSet
from forecasting.operations.devices import device_parameters
from forecasting.operations.records import RunLabels, create_run, forecast_row, note_duration
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from forecasting.kernels.fleet import FleetForecast
    from forecasting.kernels.flexibility import PortfolioFlexibility
    from forecasting.kernels.pools import Pool
    from forecasting.kernels.portfolio import PortfolioForecast
    from forecasting.kernels.totals import TotalForecast
    from forecasting.operations.inputs import ZoneInput

PORTFOLIO_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
DEVICE_LEVELS = [0.1, 0.5, 0.9]
CONFIDENCES = (0.5, 0.9)
DRAWN_SCENARIOS = 100
STORED_SCENARIOS = 10
ROWS_PER_INSERT = 1000


def store_portfolio(
    zone: ZoneInput,
    fleet: FleetForecast,
    total: TotalForecast,
    portfolio: Portfolio,
    pools: dict[str, Pool],
    *,
    labels: RunLabels,
) -> None:
    """Forecast a portfolio from the shared device and pool forecasts and write its rows."""
    from forecasting.kernels.classes import class_of
    from forecasting.kernels.flexibility import portfolio_flexibility
    from forecasting.kernels.portfolio import forecast_portfolio

    began = time.perf_counter()
    rows = zone.members[portfolio.pk]
    forecast = forecast_portfolio(
        fleet,
        total,
        rows,
        np.array([class_of(zone.table.kind[row]).name for row in rows], dtype=object),
        lower_kw=-zone.table.max_production_kw[rows],
        upper_kw=zone.table.max_consumption_kw[rows],
        levels=np.array(PORTFOLIO_LEVELS),
        of_class=pools,
        scenarios=DRAWN_SCENARIOS,
        seed=zone.seed,
    )
    parameters = device_parameters(zone, rows)
    offers = {
        confidence: portfolio_flexibility(
            forecast, parameters, confidence=confidence, step_minutes=zone.day.step_minutes
        )
        for confidence in CONFIDENCES
    }
    run = create_run(zone, fleet, total, rows, labels=labels, portfolio=portfolio)
    _store_forecasts(run, zone, fleet, forecast, rows, portfolio)
    for confidence, offer in offers.items():
        _store_envelopes(run, zone.table.device_id[rows], offer, confidence, portfolio)
    _store_scenarios(run, forecast, portfolio)
    _store_estimator(f"portfolio:{portfolio.code}", total, zone)
    note_duration(run, began, labels)


def store_feeder(
    zone: ZoneInput,
    fleet: FleetForecast,
    total: TotalForecast,
    code: str,
    rows: NDArray[np.int64],
    *,
    labels: RunLabels,
) -> None:
    """Net load of a feeder and of its nodes: device means per node, moved to the feeder's total."""
    from forecasting.kernels.combine import reconcile

    began = time.perf_counter()
    nodes = sorted({zone.table.node_code[row] for row in rows})
    place_of = {node: place for place, node in enumerate(nodes)}
    places = np.array([place_of[zone.table.node_code[row]] for row in rows], dtype=np.int64)
    by_node = np.zeros((len(nodes), fleet.mean_kw.shape[1]))
    np.add.at(by_node, places, fleet.mean_kw[rows].astype(np.float64))
    variance = np.zeros_like(by_node)
    np.add.at(variance, places, fleet.spread_kw[rows].astype(np.float64) ** 2)
    free = np.full(len(nodes), np.inf)
    moved = reconcile(by_node, total.mean_kw, spread_kw=np.sqrt(variance), lower_kw=-free, upper_kw=free)
    residual = np.nan_to_num(total.residual_kw) * total.error_ratio
    mean = moved.sum(axis=0)
    bands = mean[:, None] + (np.quantile(residual, DEVICE_LEVELS, axis=0).T if len(residual) else np.zeros((1, 3)))
    run = create_run(zone, fleet, total, rows, labels=labels, feeder_code=code)
    written = [
        forecast_row(run, Forecast.Scope.FEEDER, mean[fleet.slots], np.sort(bands, axis=1)[fleet.slots], DEVICE_LEVELS)
    ]
    written[0].member_ids = measured_ids(zone, rows)
    for place, node in enumerate(nodes):
        row = forecast_row(run, Forecast.Scope.NODE, moved[place][fleet.slots], np.zeros(0), [])
        row.node_code = node
        written.append(row)
    for row in written:
        row.feeder_code = code
    Forecast.objects.bulk_create(written, batch_size=ROWS_PER_INSERT)
    note_duration(run, began, labels)


def _store_forecasts(
    run: ForecastRun,
    zone: ZoneInput,
    fleet: FleetForecast,
    forecast: PortfolioForecast,
    rows: NDArray[np.int64],
    portfolio: Portfolio,
) -> None:
    whole = forecast_row(run, Forecast.Scope.PORTFOLIO, forecast.mean_kw, forecast.quantiles_kw, list(PORTFOLIO_LEVELS))
    whole.portfolio, whole.member_ids = portfolio, measured_ids(zone, rows)
    written = [whole]
    for place, row in enumerate(rows):
        one = forecast_row(
            run,
            Forecast.Scope.DEVICE,
            forecast.device_mean_kw[place],
            forecast.device_quantiles_kw[place],
            DEVICE_LEVELS,
        )
        one.device_id, one.rung = int(zone.table.device_id[row]), str(fleet.rung[row])
        if fleet.rung[row] == "gradient":
            one.challenger_kw = fleet.profile_kw[row, fleet.slots]
        one.portfolio = portfolio
        written.append(one)
    Forecast.objects.bulk_create(written, batch_size=ROWS_PER_INSERT)


def measured_ids(zone: ZoneInput, rows: NDArray[np.int64]) -> list[int]:
    """Ids of the devices that are forecast from readings: all but batteries, which are idle until they are sent."""
    return [int(zone.table.device_id[row]) for row in rows if zone.table.kind[row] != "BATTERY"]


def _store_envelopes(
    run: ForecastRun,
    device_ids: NDArray[np.int64],
    offer: PortfolioFlexibility,
    confidence: float,
    portfolio: Portfolio,
) -> None:
    written = []
    for name, group in {"": offer.whole, **offer.groups}.items():
        limit_kwh = group.discharge_limit_kwh
        members = offer.members.get(name)
        written.append(
            Envelope(
                run=run,
                portfolio=portfolio,
                group=name,
                confidence=confidence,
                baseline_kw=group.baseline_kw,
                power_min_kw=group.power_min_kw,
                power_max_kw=group.power_max_kw,
                energy_min_kwh=group.energy_min_kwh,
                energy_max_kwh=group.energy_max_kwh,
                discharge_limit_kwh=float(limit_kwh) if np.isfinite(limit_kwh) else None,
                device_ids=(device_ids if members is None else device_ids[members]).tolist(),
            )
        )
    Envelope.objects.bulk_create(written)


def _store_scenarios(run: ForecastRun, forecast: PortfolioForecast, portfolio: Portfolio) -> None:
    from forecasting.kernels.scenarios import reduce_scenarios

    reduced = reduce_scenarios(forecast.scenarios, STORED_SCENARIOS)
    producing = [place for place, name in enumerate(forecast.pools) if name in ("pv", "wind")]
    ScenarioSet.objects.create(
        run=run,
        portfolio=portfolio,
        size=len(reduced.probability),
        power_kw=reduced.total_kw,
        production_kw=reduced.paths_kw[:, producing].sum(axis=1),
        probability=reduced.probability,
    )


def _store_estimator(key: str, total: TotalForecast, zone: ZoneInput) -> None:
    """Keep a new fit's parameters as the next version of the series."""
    if total.note:
        return
    newest = Estimator.objects.filter(series_key=key).order_by("-version").values_list("version", flat=True).first()
    Estimator.objects.create(
        series_key=key,
        version=(newest or 0) + 1,
        kind="SARIMA",
        parameters=asdict(total.parameters),
        data_until=zone.data_as_of,
        fitted_at=zone.issue,
    )
