"""Prices of a zone's delivery day: forecast once a run, drawn on the same days as load and generation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.models import PriceForecast
from forecasting.price_source import price_history

if TYPE_CHECKING:
    from forecasting.kernels.fleet_forecast import FleetForecast
    from forecasting.kernels.portfolio import PortfolioForecast
    from forecasting.kernels.price_scenarios import PriceDay
    from forecasting.operations.inputs import ZoneInput

LONGEST_DAYS = 1150
STORED_PATHS = 20


def forecast_zone_prices(zone: ZoneInput, fleet: FleetForecast, version: int) -> PriceDay | None:
    """Forecast and store the day's prices; None where nobody knows prices of seven weeks."""
    from forecasting.kernels.price_scenarios import forecast_price_day, price_paths
    from forecasting.kernels.scenarios import day_weights, drawn_days

    start = zone.day.start - timedelta(days=LONGEST_DAYS)
    known = price_history(zone.zone_code, start, zone.day.start, zone.data_as_of)
    if known is None or not len(known.starts):
        return None
    target = zone.day.starts64()
    price = forecast_price_day(
        known.price_eur_per_mwh, known.starts, target, zone=zone.day.zone, step_minutes=known.step_minutes
    )
    days = fleet.grid.dates[fleet.past_days]
    if price is None or not len(days):
        return price
    types = fleet.grid.types_until(fleet.target_day)
    weights = day_weights(types[fleet.past_days], int(types[-1]))
    drawn = days[drawn_days(weights, size=STORED_PATHS, seed=zone.seed)]
    PriceForecast.objects.get_or_create(
        zone_code=zone.zone_code,
        delivery_date=zone.day.date,
        version=version,
        defaults={
            "issue_time": zone.issue,
            "deciles_eur_per_mwh": price.deciles,
            "paths_eur_per_mwh": price_paths(price, drawn, target, zone.day.zone),
            "size": STORED_PATHS,
        },
    )
    return price


def with_prices(
    forecast: PortfolioForecast, price: PriceDay, days: NDArray[np.datetime64], zone: ZoneInput
) -> PortfolioForecast:
    """The portfolio's scenarios with the prices of the days that they were drawn from; days (R,): residual days."""
    from forecasting.kernels.price_scenarios import price_paths

    drawn = forecast.scenarios
    if not len(days):
        return forecast
    paths = price_paths(price, days[drawn.day], zone.day.starts64(), zone.day.zone)
    return replace(forecast, scenarios=replace(drawn, price=paths))
