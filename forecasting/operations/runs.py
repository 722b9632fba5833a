"""Forecast a zone's delivery day: a run per portfolio and per feeder, each stored whole in its own transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from django.db import IntegrityError, transaction
from numpy.typing import NDArray

from forecasting import queries
from forecasting.models import ForecastRun
from forecasting.operations import storing
from forecasting.operations.calibration import adapt_bands, band_factors
from forecasting.operations.estimators import ZoneModels, keep_models, stored_models
from forecasting.operations.inputs import ZoneInput, gather, zone_subjects
from forecasting.operations.prices import forecast_zone_prices
from forecasting.operations.records import RunLabels

if TYPE_CHECKING:
    from forecasting.kernels.arima import ArimaParameters
    from forecasting.kernels.fleet_forecast import FleetForecast
    from forecasting.kernels.totals import TotalForecast

logger = logging.getLogger(__name__)

POLISHED_TOTALS = 3  # exact likelihood costs about half a second each
POOLED_DEVICES = 500  # below it starting the processes costs more than they save


def run_forecast(*, zone_code: str, delivery_date: date, at: datetime, version: int = 1) -> list[ForecastRun]:
    """Forecast every portfolio and every feeder of a zone for one delivery day.

    Safe to repeat and to resume: a run is found by its natural key (zone, date, subject, version), and what a killed
    call left out is made from the same inputs, as known at the first call's issue time. A new version forecasts anew.
    Raises UnknownZone, NothingToForecast.
    """
    portfolios, feeders, _ = zone_subjects(zone_code, at)
    keys = {portfolio_key(zone_code, delivery_date, one.code, version): one for one in portfolios}
    wanted = [*keys, *(feeder_key(zone_code, delivery_date, code, version) for code in feeders)]
    stored = _stored(wanted)
    if len(stored) < len(wanted):
        issue = min((run.issue_time for run in stored.values()), default=at)
        _make_missing(gather(zone_code=zone_code, delivery_date=delivery_date, version=version, issue=issue), version)
        stored = _stored(wanted)
    return [stored[key] for key in wanted if key in stored]


def portfolio_key(zone_code: str, delivery_date: date, code: str, version: int) -> str:
    return f"forecast:{zone_code}:{delivery_date}:portfolio:{code}:v{version}"


def feeder_key(zone_code: str, delivery_date: date, code: str, version: int) -> str:
    return f"forecast:{zone_code}:{delivery_date}:feeder:{code}:v{version}"


def _stored(keys: list[str]) -> dict[str, ForecastRun]:
    return {run.natural_key: run for run in ForecastRun.objects.filter(natural_key__in=keys)}


def _make_missing(zone: ZoneInput, version: int) -> None:
    """Devices once for the zone, then sums, then run by run."""
    from forecasting.kernels.classes import CLASSES, class_of
    from forecasting.kernels.pools import forecast_pools

    began = time.perf_counter()
    models = stored_models(zone.zone_code, CLASSES, zone.issue)
    fleet, totals = _fleet_and_totals(zone, models)
    prices = forecast_zone_prices(zone, fleet, version)
    pools = forecast_pools(fleet, np.array([class_of(kind).name for kind in zone.table.kind], dtype=object))
    shared_s = (time.perf_counter() - began) / max(len(totals), 1)
    for place, portfolio in enumerate(zone.portfolios):
        key = portfolio_key(zone.zone_code, zone.day.date, portfolio.code, version)
        labels, own = RunLabels(key, version, shared_s, models), (totals[place], portfolio, pools[place], prices)
        _once(key, partial(storing.store_portfolio, zone, fleet, *own, labels=labels))
    for place, code in enumerate(zone.feeders):
        key = feeder_key(zone.zone_code, zone.day.date, code, version)
        rows, labels = np.flatnonzero(fleet.feeder == place), RunLabels(key, version, shared_s, models)
        total = totals[len(zone.portfolios) + place]
        _once(key, partial(storing.store_feeder, zone, fleet, total, code, rows, labels=labels))


def _fleet_and_totals(zone: ZoneInput, models: ZoneModels) -> tuple[FleetForecast, list[TotalForecast]]:
    """Every device with its class's band, and every sum, portfolios before feeders; what was fitted is kept."""
    from forecasting.kernels.fleet import forecast_fleet
    from forecasting.kernels.totals import forecast_totals
    from forecasting.kernels.workers import Workers, available_cores

    processes = available_cores() if len(zone.table) >= POOLED_DEVICES else 1
    names = [f"portfolio:{one.code}" for one in zone.portfolios] + [f"feeder:{code}" for code in zone.feeders]
    known = _stored_parameters(names, zone.issue)
    with Workers(processes) as workers:
        fleet = forecast_fleet(zone.fleet, stored=models.usable, workers=workers)
        keep_models(models, fleet.trained, data_until=zone.data_as_of)
        totals = forecast_totals(fleet, polish=_largest(fleet, len(names)), stored=known, workers=workers)
    day_type = int(fleet.grid.types_until(fleet.target_day)[-1])
    factors = band_factors(zone.zone_code, zone.day.date, day_type=day_type, as_of=zone.issue)
    adapt_bands(fleet, zone.table.kind, factors)
    return fleet, [
        replace(one, error_ratio=one.error_ratio * factors.get(name.split(":")[0], 1.0))
        for name, one in zip(names, totals, strict=True)
    ]


def _once(key: str, make: Callable[[], None]) -> None:
    """Make a run unless it is there; of two that race, the unique key lets one through."""
    if ForecastRun.objects.filter(natural_key=key).exists():
        return
    try:
        with transaction.atomic():
            make()
    except IntegrityError:
        if not ForecastRun.objects.filter(natural_key=key).exists():
            raise
        logger.info("%s was made by another process", key)


def _largest(fleet: FleetForecast, n_totals: int) -> NDArray[np.bool_]:
    """The portfolios with most devices."""
    chosen = np.zeros(n_totals, dtype=bool)
    devices = np.bincount(fleet.portfolio[fleet.portfolio >= 0], minlength=fleet.n_portfolios)
    chosen[np.argsort(-devices, kind="stable")[:POLISHED_TOTALS]] = True
    return chosen


def _stored_parameters(names: list[str], issue: datetime) -> list[ArimaParameters | None]:
    """Parameters fitted within the last week before the issue, to be filtered over the new data without a fit."""
    from forecasting.kernels.arima import ArimaParameters

    known = queries.stored_estimators(names, at=issue, before_only=True)
    return [ArimaParameters(**known[name].parameters) if name in known else None for name in names]
