"""Adaptive bands: each class's band is moved a little by every scored day on which it covered too little or too much.

Adaptive conformal inference, Gibbs & Candes (2021), NeurIPS 34, on the width of the band instead of its level; working
days and weekends apart. It needs no state of its own: the scored days are the state.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from forecasting.models import Accuracy

if TYPE_CHECKING:
    from forecasting.kernels.fleet_forecast import FleetForecast

MEMORY_DAYS = 60
STEP = 0.4  # a day that covers 0.6 instead of 0.8 widens the next band by 8 %
NARROWEST, WIDEST = 0.6, 1.8
COVERED = 0.8


def band_factors(zone_code: str, delivery_date: date, *, day_type: int, as_of: datetime) -> dict[str, float]:
    """Factor on the distance from the median by class, portfolio and feeder, from the days scored until as_of."""
    rows = (
        Accuracy.objects.filter(
            zone_code=zone_code,
            delivery_date__lt=delivery_date,
            delivery_date__gte=delivery_date - timedelta(days=MEMORY_DAYS),
            available_at__lte=as_of,
            coverage__isnull=False,
        )
        .exclude(scope=Accuracy.Scope.DEVICE)
        .filter(**({"day_type": 0} if day_type == 0 else {"day_type__gt": 0}))
        .order_by("delivery_date")
    )
    missed: dict[tuple[str, date], list[float]] = {}
    for name, day, coverage in rows.values_list("class_name", "delivery_date", "coverage"):
        missed.setdefault((name, day), []).append(COVERED - (coverage or 0.0))
    width: dict[str, float] = {}
    for (name, _), misses in missed.items():
        moved = width.get(name, 0.0) + STEP * float(np.mean(misses))
        width[name] = float(np.clip(moved, np.log(NARROWEST), np.log(WIDEST)))
    return {name: round(float(np.exp(one)), 4) for name, one in width.items()}


def adapt_bands(fleet: FleetForecast, kinds: list[str], factors: dict[str, float]) -> None:
    """Move the devices' outer quantiles by the factor of their class; what was certain (night, idle) stays so."""
    from forecasting.kernels.calibration import widen
    from forecasting.kernels.classes import class_of

    names = np.array([class_of(kind).name for kind in kinds], dtype=object)
    for name, factor in factors.items():
        rows = np.flatnonzero(names == name)
        if not len(rows):
            continue
        quantiles = fleet.quantiles_kw[rows]
        lowest, highest = quantiles.min(initial=0.0), quantiles.max(initial=0.0)
        moved = np.sort(widen(quantiles, factor), axis=2)
        if lowest >= 0 or highest <= 0:  # a class that only consumes or only produces goes on doing so
            moved = np.maximum(moved, 0) if lowest >= 0 else np.minimum(moved, 0)
        fleet.quantiles_kw[rows] = moved
        if name in fleet.summary:
            fleet.summary[name]["adapted"] = factor
