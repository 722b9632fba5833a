"""Compute one run's own part and store it: totals, devices or nodes, envelopes, scenarios, estimator parameters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.models import Forecast, ForecastRun
from forecasting.operations import group_rows
from forecasting.operations.device_rows import copy_device_forecasts
from forecasting.operations.devices import device_parameters
from forecasting.operations.prices import with_prices
from forecasting.operations.records import RunLabels, create_run, forecast_row, note_duration
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from forecasting.kernels.fleet_forecast import FleetForecast
    from forecasting.kernels.flexibility import PortfolioFlexibility
    from forecasting.kernels.pools import Pool
    from forecasting.kernels.portfolio import PortfolioForecast
    from forecasting.kernels.price_scenarios import PriceDay
    from forecasting.kernels.totals import TotalForecast
    from forecasting.operations.inputs import ZoneInput

PORTFOLIO_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
DEVICE_LEVELS = [0.1, 0.5, 0.9]
CONFIDENCES = (0.5, 0.9)
DRAWN_SCENARIOS = 100
ROWS_PER_INSERT = 1000


def store_portfolio(
    zone: ZoneInput,
    fleet: FleetForecast,
    total: TotalForecast,
    portfolio: Portfolio,
    pools: dict[str, Pool],
    prices: PriceDay | None,
    *,
    labels: RunLabels,
) -> None:
    """Forecast a portfolio from the shared device and pool forecasts and write its rows."""
    began = time.perf_counter()
    rows = zone.members[portfolio.pk]
    days = fleet.grid.dates[total.past_days]
    forecast = _portfolio_forecast(zone, fleet, total, rows, pools)
    if prices is not None:
        forecast = with_prices(forecast, prices, days, zone)
    offers = _offers(zone, forecast, rows)
    run = create_run(zone, fleet, total, rows, labels=labels, portfolio=portfolio)
    _store_forecasts(run, zone, fleet, forecast, rows, portfolio)
    for confidence, offer in offers.items():
        group_rows.store_envelopes(run, zone.table.device_id[rows], offer, confidence, portfolio)
    group_rows.store_scenarios(run, forecast, portfolio, days)
    group_rows.store_estimator(f"portfolio:{portfolio.code}", total, zone)
    note_duration(run, began, labels)


def _portfolio_forecast(
    zone: ZoneInput, fleet: FleetForecast, total: TotalForecast, rows: NDArray[np.int64], pools: dict[str, Pool]
) -> PortfolioForecast:
    from forecasting.kernels.classes import class_of
    from forecasting.kernels.portfolio import forecast_portfolio

    return forecast_portfolio(
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


def _offers(zone: ZoneInput, forecast: PortfolioForecast, rows: NDArray[np.int64]) -> dict[float, PortfolioFlexibility]:
    """The room of the devices' groups by the confidence with which it is there."""
    from forecasting.kernels.flexibility import portfolio_flexibility

    parameters = device_parameters(zone, rows)
    return {
        confidence: portfolio_flexibility(
            forecast, parameters, confidence=confidence, step_minutes=zone.day.step_minutes
        )
        for confidence in CONFIDENCES
    }


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
    began = time.perf_counter()
    nodes = sorted({zone.table.node_code[row] for row in rows})
    node_kw = _node_means(zone, fleet, total, rows, nodes)
    mean = node_kw.sum(axis=0)
    residual = np.nan_to_num(total.residual_kw) * total.error_ratio
    bands = mean[:, None] + (np.quantile(residual, DEVICE_LEVELS, axis=0).T if len(residual) else np.zeros((1, 3)))
    run = create_run(zone, fleet, total, rows, labels=labels, feeder_code=code)
    written = [
        forecast_row(run, Forecast.Scope.FEEDER, mean[fleet.slots], np.sort(bands, axis=1)[fleet.slots], DEVICE_LEVELS)
    ]
    written[0].member_ids = measured_ids(zone, rows)
    for place, node in enumerate(nodes):
        row = forecast_row(run, Forecast.Scope.NODE, node_kw[place][fleet.slots], np.zeros(0), [])
        row.node_code = node
        written.append(row)
    for row in written:
        row.feeder_code = code
    Forecast.objects.bulk_create(written, batch_size=ROWS_PER_INSERT)
    note_duration(run, began, labels)


def _node_means(
    zone: ZoneInput, fleet: FleetForecast, total: TotalForecast, rows: NDArray[np.int64], nodes: list[str]
) -> NDArray[np.float64]:
    """(nodes, slots of the grid) kW: the devices' means per node, moved to the feeder's total by their spread."""
    from forecasting.kernels.combine import reconcile

    place_of = {node: place for place, node in enumerate(nodes)}
    places = np.array([place_of[zone.table.node_code[row]] for row in rows], dtype=np.int64)
    by_node = np.zeros((len(nodes), fleet.mean_kw.shape[1]))
    np.add.at(by_node, places, fleet.mean_kw[rows].astype(np.float64))
    variance = np.zeros_like(by_node)
    np.add.at(variance, places, fleet.spread_kw[rows].astype(np.float64) ** 2)
    free = np.full(len(nodes), np.inf)
    return reconcile(by_node, total.mean_kw, spread_kw=np.sqrt(variance), lower_kw=-free, upper_kw=free)


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
    whole.save(force_insert=True)
    copy_device_forecasts(
        run,
        portfolio.pk,
        zone.table.device_id[rows],
        fleet.rung[rows],
        mean_kw=forecast.device_mean_kw,
        quantiles_kw=forecast.device_quantiles_kw,
        levels=DEVICE_LEVELS,
        challenger_kw=fleet.profile_kw[rows][:, fleet.slots],
    )


def measured_ids(zone: ZoneInput, rows: NDArray[np.int64]) -> list[int]:
    """Ids of the devices that are forecast from readings: all but batteries, which are idle until they are sent."""
    return [int(zone.table.device_id[row]) for row in rows if zone.table.kind[row] != "BATTERY"]
