"""The run's own row: what it saw, with which models, and what it had to fall back to."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from forecasting.models import Forecast, ForecastRun
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    import numpy as np

    from forecasting.kernels.fleet_forecast import FleetForecast
    from forecasting.kernels.totals import TotalForecast
    from forecasting.operations.estimators import ZoneModels
    from forecasting.operations.inputs import ZoneInput


@dataclass(frozen=True)
class RunLabels:
    """Key and version of a run, its part of the seconds that all runs of the zone share, and the zone's models."""

    natural_key: str
    version: int
    shared_s: float
    models: ZoneModels


def create_run(
    zone: ZoneInput,
    fleet: FleetForecast,
    total: TotalForecast,
    rows: NDArray[np.int64],
    *,
    labels: RunLabels,
    portfolio: Portfolio | None = None,
    feeder_code: str = "",
) -> ForecastRun:
    fallbacks = _fallbacks(zone, fleet, total, rows) | _unusable(fleet, labels.models)
    return ForecastRun.objects.create(
        natural_key=labels.natural_key,
        portfolio=portfolio,
        feeder_code=feeder_code,
        zone_code=zone.zone_code,
        time_zone=zone.day.zone,
        delivery_date=zone.day.date,
        version=labels.version,
        step_minutes=zone.day.step_minutes,
        issue_time=zone.issue,
        data_as_of=zone.data_as_of,
        history_start=zone.history_start,
        seed=zone.seed,
        state=ForecastRun.State.DEGRADED if fallbacks.get("devices") else ForecastRun.State.OK,
        model_versions=_versions(fleet, total) | {"estimators": labels.models.versions},
        fallbacks=fallbacks,
        duration_s=0.0,
    )


def _fallbacks(zone: ZoneInput, fleet: FleetForecast, total: TotalForecast, rows: NDArray[np.int64]) -> dict[str, Any]:
    """What the ladder could not serve in full, named by device code; long lists are cut and counted."""
    chosen = {int(row) for row in rows}
    cold = [zone.table.code[row] for row in rows if fleet.rung[row] == "fallback"]
    flags = [f"{zone.table.code[index]}: {finding}" for index, finding in fleet.flags if index in chosen]
    found: dict[str, Any] = {}
    if cold:
        found["devices"] = {"count": len(cold), "codes": cold[:50], "reason": "less than two days of readings"}
    if flags:
        found["readings"] = {"count": len(flags), "findings": flags[:50]}
    if total.note:
        found["arima"] = total.note
    return found


def _unusable(fleet: FleetForecast, models: ZoneModels) -> dict[str, Any]:
    """Stored models that could not serve, and what was done instead."""
    found = {
        name: f"{why}; {'fitted anew' if name in fleet.trained else 'profile alone'}"
        for name, why in (models.notes | fleet.unusable).items()
    }
    return {"estimators": found} if found else {}


def _versions(fleet: FleetForecast, total: TotalForecast) -> dict[str, Any]:
    return {
        "libraries": library_versions(),
        "classes": fleet.summary,
        "arima": asdict(total.parameters),
        "weights": dict(zip(("profile", "bottom_up", "arima"), total.weights.round(4).tolist(), strict=True)),
        "error_ratio": round(total.error_ratio, 4),
    }


@cache
def library_versions() -> dict[str, str]:
    return {name: version(name) for name in ("scikit-learn", "statsmodels", "numpy")}


def forecast_row(
    run: ForecastRun, scope: str, mean_kw: NDArray[Any], quantiles_kw: NDArray[Any], levels: list[float]
) -> Forecast:
    return Forecast(
        run=run,
        scope=scope,
        rung="combined",
        mean_kw=mean_kw,
        levels=levels,
        quantiles_kw=quantiles_kw,
        available_at=run.issue_time,
    )


def note_duration(run: ForecastRun, began: float, labels: RunLabels) -> None:
    """Its own time plus its part of what the zone's runs share."""
    run.duration_s = time.perf_counter() - began + labels.shared_s
    run.save(update_fields=["duration_s"])
