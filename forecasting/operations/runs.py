"""Forecast a zone's delivery day: a run per portfolio and per feeder, each stored whole in its own transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from django.db import IntegrityError, transaction
from numpy.typing import NDArray

from forecasting import queries
from forecasting.models import ForecastRun
from forecasting.operations import storing
from forecasting.operations.calibration import adapt_bands, band_factors
from forecasting.operations.inputs import ZoneInput, gather, zone_subjects
from forecasting.operations.records import RunLabels

if TYPE_CHECKING:
    from forecasting.kernels.arima import ArimaParameters

logger = logging.getLogger(__name__)

POLISHED_TOTALS = 3  # exact likelihood costs about half a second each
REFIT_DAYS = 7


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
    from forecasting.kernels.classes import class_of
    from forecasting.kernels.fleet import forecast_fleet
    from forecasting.kernels.pools import forecast_pools
    from forecasting.kernels.totals import forecast_totals

    began = time.perf_counter()
    fleet = forecast_fleet(zone.fleet)
    factors = band_factors(
        zone.zone_code, zone.day.date, day_type=int(fleet.grid.types_until(fleet.target_day)[-1]), as_of=zone.issue
    )
    adapt_bands(fleet, zone.table.kind, factors)
    filled = [one for one in zone.portfolios if len(zone.members.get(one.pk, ()))]
    membership = np.zeros((len(filled) + len(zone.feeders), len(zone.table)), dtype=bool)
    for place, portfolio in enumerate(filled):
        membership[place, zone.members[portfolio.pk]] = True
    for place, code in enumerate(zone.feeders, start=len(filled)):
        membership[place, feeder_rows(zone, fleet.rung, code)] = True
    names = [f"portfolio:{one.code}" for one in filled] + [f"feeder:{code}" for code in zone.feeders]
    totals = forecast_totals(
        fleet, membership, polish=_largest(membership, len(filled)), stored=_stored_parameters(names, zone.issue)
    )
    totals = [
        replace(one, error_ratio=one.error_ratio * factors.get(name.split(":")[0], 1.0))
        for name, one in zip(names, totals, strict=True)
    ]
    kinds = np.array([class_of(kind).name for kind in zone.table.kind], dtype=object)
    pools = forecast_pools(fleet, [zone.members[one.pk] for one in filled], kinds)
    shared_s = (time.perf_counter() - began) / max(len(names), 1)
    for place, portfolio in enumerate(filled):
        key = portfolio_key(zone.zone_code, zone.day.date, portfolio.code, version)
        labels = RunLabels(key, version, shared_s)
        _once(key, partial(storing.store_portfolio, zone, fleet, totals[place], portfolio, pools[place], labels=labels))
    for place, code in enumerate(zone.feeders, start=len(filled)):
        key = feeder_key(zone.zone_code, zone.day.date, code, version)
        rows = np.flatnonzero(membership[place])
        labels = RunLabels(key, version, shared_s)
        _once(key, partial(storing.store_feeder, zone, fleet, totals[place], code, rows, labels=labels))


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


def feeder_rows(zone: ZoneInput, rung: NDArray[np.str_], code: str) -> NDArray[np.int64]:
    """Series that make up a feeder's net load: a site's meter where it has been read, else the site's devices."""
    kinds, feeders = np.array(zone.table.kind, dtype=object), np.array(zone.table.feeder_code, dtype=object)
    inside = feeders == code
    metered = inside & (kinds == "METER") & (rung != "fallback")
    behind_meter = np.isin(zone.table.site_id, zone.table.site_id[metered])
    return np.flatnonzero(metered | (inside & ~behind_meter & (kinds != "METER")))


def _largest(membership: NDArray[np.bool_], n_portfolios: int) -> NDArray[np.bool_]:
    """The portfolios with most devices."""
    chosen = np.zeros(len(membership), dtype=bool)
    chosen[np.argsort(-membership[:n_portfolios].sum(axis=1), kind="stable")[:POLISHED_TOTALS]] = True
    return chosen


def _stored_parameters(names: list[str], issue: datetime) -> list[ArimaParameters | None]:
    """Parameters fitted within the last week before the issue, to be filtered over the new data without a fit."""
    from forecasting.kernels.arima import ArimaParameters

    known = queries.stored_estimators(
        names,
        fitted_since=issue - timedelta(days=REFIT_DAYS) + timedelta(microseconds=1),
        fitted_until=issue - timedelta(microseconds=1),
    )
    return [ArimaParameters(**known[name].parameters) if name in known else None for name in names]
