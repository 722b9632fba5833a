"""One portfolio on one delivery day: forecast, plan, commitments, measured, and the rows under the chart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from django.db.models import Count, Q
from numpy.typing import NDArray

from bidding.models import Ask
from forecasting.models import Forecast, ForecastRun
from telemetry.queries import interval_power_kw
from vpp.accounts.models import Principal
from vpp.console.queries.bids import BidLine, bid_lines
from vpp.console.queries.fleet import DeviceLine, devices_of
from vpp.dispatch.models import Plan, Setpoint, Shortfall
from vpp.enrollment.models import Portfolio
from vpp.lib.periods import DeliveryDay, delivery_day_of

FloatArray = NDArray[np.float64]
BAND_LEVELS = ((0.05, 0.95), (0.1, 0.9), (0.25, 0.75))
SHORTFALL_ROWS = 50


@dataclass(frozen=True)
class ForecastLine:
    """The forecast of undispatched power. mean_kw (H,); each band: (lower level, upper level, (H,), (H,))."""

    run: ForecastRun
    mean_kw: FloatArray
    bands: list[tuple[float, float, FloatArray, FloatArray]]


@dataclass(frozen=True)
class DayPage:
    """Everything the page shows."""

    portfolio: Portfolio
    day: DeliveryDay
    labels: list[str]
    forecast: ForecastLine | None
    plan: Plan | None
    measured_kw: FloatArray  # (H,), NaN where no device reported
    reporting: NDArray[np.int64]  # (H,) devices that reported
    bids: list[BidLine]
    open_asks: list[Ask]
    devices: list[DeviceLine]
    setpoints: list[tuple[str, int]]
    shortfalls: list[Shortfall]
    as_of: datetime
    states: Counter[str] = field(default_factory=Counter)

    @property
    def asks(self) -> list[Ask]:
        """Asks the portfolio answered, and those of its feeder it did not."""
        answered = {line.bid.ask.pk: line.bid.ask for line in self.bids if line.bid.ask is not None}
        return [*answered.values(), *self.open_asks]

    @property
    def awarded(self) -> list[BidLine]:
        return [line for line in self.bids if line.award is not None]


def portfolios(principal: Principal) -> list[Portfolio]:
    return list(Portfolio.objects.visible_to(principal).order_by("code"))


def local_date(portfolio: Portfolio, at: datetime) -> date:
    return delivery_day_of(at, portfolio.time_zone).date


def forecast_line(principal: Principal, portfolio: Portfolio, day: DeliveryDay, at: datetime) -> ForecastLine | None:
    """The newest forecast of the portfolio's total that was issued by `at`."""
    row = (
        Forecast.objects.visible_to(principal)
        .filter(
            scope=Forecast.Scope.PORTFOLIO,
            run__portfolio=portfolio,
            run__delivery_date=day.date,
            run__issue_time__lte=at,
        )
        .select_related("run")
        .order_by("-run__issue_time", "-run__version")
        .first()
    )
    if row is None:
        return None
    mean = np.asarray(row.mean_kw, dtype=np.float64)
    levels = [round(level, 4) for level in row.levels]
    quantiles = np.asarray(row.quantiles_kw, dtype=np.float64).reshape(mean.size, len(levels))
    bands = [
        (low, high, quantiles[:, levels.index(low)], quantiles[:, levels.index(high)])
        for low, high in BAND_LEVELS
        if low in levels and high in levels
    ]
    return ForecastLine(row.run, mean, bands)


def measured(devices: list[DeviceLine], day: DeliveryDay, at: datetime) -> tuple[FloatArray, NDArray[np.int64]]:
    """(H,) sum of the devices' mean power, NaN where none reported; (H,) how many reported."""
    if not devices:
        return np.full(day.n_intervals, np.nan), np.zeros(day.n_intervals, dtype=np.int64)
    ids = [device.pk for device in devices]
    power = interval_power_kw(ids, day.start, day.end, at, day.step_minutes)
    reporting = np.count_nonzero(~np.isnan(power), axis=0)
    return np.where(reporting > 0, np.nansum(power, axis=0), np.nan), reporting


def day_page(principal: Principal, portfolio: Portfolio, delivery_date: date, at: datetime) -> DayPage:
    day = DeliveryDay(delivery_date, portfolio.time_zone)
    devices = devices_of(principal, portfolio, day.start)
    measured_kw, reporting = measured(devices, day, at)
    bids = bid_lines(principal, portfolio, day)
    within = Q(portfolio=portfolio, interval_start__gte=day.start, interval_start__lt=day.end)
    plan = (
        Plan.objects.visible_to(principal)
        .filter(portfolio=portfolio, delivery_date=day.date)
        .order_by("-version")
        .first()
    )
    setpoints = Setpoint.objects.visible_to(principal).filter(within).values_list("state").annotate(Count("pk"))
    shortfalls = (
        Shortfall.objects.visible_to(principal)
        .filter(within)
        .select_related("device")
        .order_by("interval_start", "pk")[: SHORTFALL_ROWS + 1]
    )
    answered = {line.bid.ask_id for line in bids}
    asks = Ask.objects.visible_to(principal).filter(
        delivery_date=day.date, congestion_point__feeder__code=portfolio.feeder_code
    )
    return DayPage(
        portfolio=portfolio,
        day=day,
        labels=day.local_labels(),
        forecast=forecast_line(principal, portfolio, day, at),
        plan=plan,
        measured_kw=measured_kw,
        reporting=reporting,
        bids=bids,
        open_asks=[ask for ask in asks if ask.pk not in answered],
        devices=devices,
        setpoints=sorted(setpoints),
        shortfalls=list(shortfalls),
        as_of=at,
        states=Counter(device.state for device in devices),
    )
