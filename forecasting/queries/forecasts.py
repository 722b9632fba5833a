"""Read-only questions about forecasts. Powers in kW, load convention; H intervals of the run's delivery day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.models import DispatchedPeriod, Envelope, Estimator, Forecast, ForecastRun, PriceForecast, ScenarioSet
from vpp.lib.errors import NotFound

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

FloatArray = NDArray[np.float64]
REFIT_DAYS = 7


class NoForecast(NotFound):
    code = "no_forecast"


@dataclass(frozen=True)
class EnvelopeArrays:
    """Bounds (H,) of one group ("" is the whole portfolio) at one confidence; see `Envelope`."""

    group: str
    confidence: float
    device_ids: list[int]
    baseline_kw: FloatArray
    power_min_kw: FloatArray
    power_max_kw: FloatArray
    energy_min_kwh: FloatArray
    energy_max_kwh: FloatArray
    discharge_limit_kwh: float  # infinite where it never binds


@dataclass(frozen=True)
class ScenarioArrays:
    """power_kw (S, H) net of the portfolio, production_kw (S, H) its PV and wind (<= 0), probability (S,).

    price_eur_per_mwh (S, H) on the same days; None where the zone has no price forecast. days: the past days (S,).
    """

    power_kw: FloatArray
    production_kw: FloatArray
    probability: FloatArray
    price_eur_per_mwh: FloatArray | None
    days: list[date]


def latest_run(portfolio_id: int, delivery_date: date, as_of: datetime) -> ForecastRun | None:
    """The newest forecast of a portfolio's day that was known at as_of."""
    runs = ForecastRun.objects.known_at(as_of).filter(portfolio_id=portfolio_id, delivery_date=delivery_date)
    return runs.order_by("-issue_time", "-version").first()


def latest_feeder_run(feeder_code: str, delivery_date: date, as_of: datetime) -> ForecastRun | None:
    """The newest net-load forecast of a feeder's day that was known at as_of."""
    runs = ForecastRun.objects.known_at(as_of).filter(
        portfolio=None, feeder_code=feeder_code, delivery_date=delivery_date
    )
    return runs.order_by("-issue_time", "-version").first()


def device_baselines_kw(run: ForecastRun) -> tuple[NDArray[np.int64], FloatArray]:
    """(device_ids (N,), mean power (N, H)) of the undispatched devices of a portfolio run, ids ascending."""
    rows = Forecast.objects.filter(run=run, scope=Forecast.Scope.DEVICE).order_by("device_id")
    found = list(rows.values_list("device_id", "mean_kw"))
    ids = np.array([device_id for device_id, _ in found], dtype=np.int64)
    if not found:
        return ids, np.zeros((0, 0))
    return ids, np.array([mean_kw for _, mean_kw in found], dtype=np.float64)


def device_quantiles_kw(run: ForecastRun) -> tuple[NDArray[np.int64], FloatArray, list[float]]:
    """(device_ids (N,), quantiles (N, H, Q), levels) of a portfolio run."""
    rows = Forecast.objects.filter(run=run, scope=Forecast.Scope.DEVICE).order_by("device_id")
    found = list(rows.values_list("device_id", "quantiles_kw", "levels"))
    ids = np.array([row[0] for row in found], dtype=np.int64)
    if not found:
        return ids, np.zeros((0, 0, 0)), []
    levels = list(found[0][2])
    flat = np.array([row[1] for row in found], dtype=np.float64)
    return ids, flat.reshape(len(ids), -1, len(levels)), levels


def portfolio_forecast(run: ForecastRun) -> Forecast:
    """The total of a portfolio run. Raises NoForecast."""
    row = Forecast.objects.filter(run=run, scope=Forecast.Scope.PORTFOLIO).first()
    if row is None:
        raise NoForecast("this run holds no portfolio forecast", run=run.pk)
    return row


def quantiles_kw(forecast: Forecast) -> FloatArray:
    """(H, Q) quantiles of one forecast row, ascending along the second axis."""
    return np.asarray(forecast.quantiles_kw, dtype=np.float64).reshape(-1, max(len(forecast.levels), 1))


def node_injections_kw(feeder_code: str, delivery_date: date, as_of: datetime) -> dict[str, FloatArray]:
    """Mean net load (H,) per network node of a feeder, consumption positive; empty without a forecast."""
    run = latest_feeder_run(feeder_code, delivery_date, as_of)
    if run is None:
        return {}
    rows = Forecast.objects.filter(run=run, scope=Forecast.Scope.NODE).order_by("node_code")
    return {code: np.asarray(mean_kw, dtype=np.float64) for code, mean_kw in rows.values_list("node_code", "mean_kw")}


def envelopes(run: ForecastRun, *, confidence: float = 0.9) -> list[EnvelopeArrays]:
    """Envelopes of a run's groups at one confidence, the whole portfolio (group "") first."""
    rows = Envelope.objects.filter(run=run, confidence=confidence).order_by("group")
    return [
        EnvelopeArrays(
            group=row.group,
            confidence=row.confidence,
            device_ids=list(row.device_ids),
            baseline_kw=np.asarray(row.baseline_kw),
            power_min_kw=np.asarray(row.power_min_kw),
            power_max_kw=np.asarray(row.power_max_kw),
            energy_min_kwh=np.asarray(row.energy_min_kwh),
            energy_max_kwh=np.asarray(row.energy_max_kwh),
            discharge_limit_kwh=np.inf if row.discharge_limit_kwh is None else row.discharge_limit_kwh,
        )
        for row in rows
    ]


def scenarios(run: ForecastRun) -> ScenarioArrays:
    """The joint scenarios of a portfolio run. Raises NoForecast."""
    row = ScenarioSet.objects.filter(run=run).first()
    if row is None:
        raise NoForecast("this run holds no scenarios", run=run.pk)
    return ScenarioArrays(
        power_kw=np.asarray(row.power_kw).reshape(row.size, -1),
        production_kw=np.asarray(row.production_kw).reshape(row.size, -1),
        probability=np.asarray(row.probability),
        price_eur_per_mwh=None
        if row.price_eur_per_mwh is None
        else np.asarray(row.price_eur_per_mwh).reshape(row.size, -1),
        days=list(row.days),
    )


def price_scenarios(zone_code: str, delivery_date: date, as_of: datetime) -> FloatArray | None:
    """(S, H) equally likely day-ahead prices in EUR/MWh of the newest forecast known at as_of; None without one.

    They stand on the days from which the zone's portfolios draw their load and generation.
    """
    rows = PriceForecast.objects.filter(zone_code=zone_code, delivery_date=delivery_date, issue_time__lte=as_of)
    row = rows.order_by("-issue_time", "-version").first()
    return None if row is None else np.asarray(row.paths_eur_per_mwh).reshape(row.size, -1)


def feeder_forecast(
    principal: Principal, feeder_code: str, delivery_date: date, as_of: datetime
) -> tuple[ForecastRun, list[Forecast]]:
    """The newest visible run of a feeder's day, its total and its nodes. Raises NoForecast, also for a foreign one."""
    runs = ForecastRun.objects.visible_to(principal).known_at(as_of)
    run = (
        runs.filter(portfolio=None, feeder_code=feeder_code, delivery_date=delivery_date)
        .order_by("-issue_time", "-version")
        .first()
    )
    if run is None:
        raise NoForecast(f"there is no forecast of feeder {feeder_code!r} for {delivery_date}", feeder=feeder_code)
    rows = Forecast.objects.filter(run=run, scope__in=[Forecast.Scope.FEEDER, Forecast.Scope.NODE])
    return run, list(rows.order_by("scope", "node_code"))


def dispatched_periods(
    device_ids: NDArray[np.int64], start: datetime, end: datetime, as_of: datetime
) -> list[tuple[int, datetime, datetime]]:
    """(device, start, end) of the periods within [start, end) in which devices were dispatched, as known at as_of."""
    rows = DispatchedPeriod.objects.filter(
        device_id__in=device_ids.tolist(), period__overlap=(start, end), available_at__lte=as_of
    ).values_list("device_id", "period")
    return [(device_id, max(period.lower or start, start), min(period.upper or end, end)) for device_id, period in rows]


def stored_estimators(keys: list[str], *, at: datetime, before_only: bool = False) -> dict[str, Estimator]:
    """The version of each key that serves at a moment; none where the weekly fit is due.

    A fit is due a week after the newest one, or after a withdrawal: what was rolled back to serves that long. Versions
    fitted later than `at` do not exist yet; before_only leaves out those of that very moment too.
    """
    until = at - timedelta(microseconds=1) if before_only else at
    rows = Estimator.objects.filter(series_key__in=keys, fitted_at__lte=until).order_by("series_key", "version")
    newest: dict[str, datetime] = {}
    standing: dict[str, int] = {}
    for key, pk, fitted_at, withdrawn_at in rows.values_list("series_key", "pk", "fitted_at", "withdrawn_at"):
        newest[key] = max(newest.get(key, fitted_at), fitted_at, withdrawn_at or fitted_at)
        if withdrawn_at is None:
            standing[key] = pk
    chosen = [pk for key, pk in standing.items() if at - newest[key] < timedelta(days=REFIT_DAYS)]
    return {row.series_key: row for row in Estimator.objects.filter(pk__in=chosen)}
