"""What a portfolio run holds beside its forecasts: envelopes of its groups, scenarios, parameters of its ARIMA."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.models import Envelope, Estimator, ForecastRun, ScenarioSet
from forecasting.operations.estimators import next_version
from vpp.enrollment.models import Portfolio

if TYPE_CHECKING:
    from forecasting.kernels.flexibility import PortfolioFlexibility
    from forecasting.kernels.portfolio import PortfolioForecast
    from forecasting.kernels.totals import TotalForecast
    from forecasting.operations.inputs import ZoneInput

STORED_SCENARIOS = 10


def store_envelopes(
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


def store_scenarios(
    run: ForecastRun, forecast: PortfolioForecast, portfolio: Portfolio, days: NDArray[np.datetime64]
) -> None:
    """The most representative of the drawn scenarios; days (R,): dates of the residual days."""
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
        price_eur_per_mwh=reduced.price,
        days=[days[place].item() for place in reduced.day if place >= 0],
    )


def store_estimator(key: str, total: TotalForecast, zone: ZoneInput) -> None:
    """Keep a new fit's parameters as the next version of the series."""
    if total.note:
        return
    Estimator.objects.create(
        series_key=key,
        version=next_version(key),
        kind="SARIMA",
        parameters=asdict(total.parameters),
        data_until=zone.data_as_of,
        fitted_at=zone.issue,
    )
