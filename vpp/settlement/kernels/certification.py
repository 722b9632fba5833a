"""How well a baseline method fits a site: tried on placebo events, days on which nothing was dispatched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.circumstances import Circumstances
from vpp.settlement.kernels.methods import MethodContext, Rule, answer_for
from vpp.settlement.kernels.slots import Event, Series

# settlement rules 2.2, after PJM (RRMSE) and AEMO (bias): above either, another level or method must be used
GATE_RRMSE_PU = 0.20
GATE_BIAS_PU = 0.04
BAND_QUANTILES = (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class Placebo:
    """One placebo event: what the method said and what the meter said, kWh over the event."""

    day: date
    baseline_kwh: float
    actual_kwh: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A method on one site over its placebo events.

    rrmse_pu, bias_pu : sqrt(mean (B - A)^2) / mean A and mean (B - A) / mean A over all intervals; NaN without data.
    missing_pu        : share of placebo events without a baseline.
    band_pu           : 10 % and 90 % quantile of an event's relative error, the confidence band of a settled event.
    """

    method: str
    events: int
    rrmse_pu: float
    bias_pu: float
    missing_pu: float
    band_pu: tuple[float, float]
    placebo: tuple[Placebo, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the site may be settled by it."""
        return bool(self.rrmse_pu <= GATE_RRMSE_PU and abs(self.bias_pu) <= GATE_BIAS_PU)


def certify(
    values_kwh: FloatArray,
    series: Series,
    rules: Sequence[Rule],
    placebo: Mapping[date, Event],
    holidays: frozenset[date],
    event_days: frozenset[date],
) -> list[Fit]:
    """The fit of each method, best first.

    values_kwh : (T,) of the site. placebo : events on days without dispatch; a placebo day stays in the pools of the
    others, as it does on days that nobody dispatched.
    """
    fits = [_fit(values_kwh, series, rule, placebo, holidays, event_days) for rule in rules]
    return sorted(fits, key=lambda fit: (np.isnan(fit.rrmse_pu), fit.rrmse_pu, fit.method))


def _fit(
    values_kwh: FloatArray,
    series: Series,
    rule: Rule,
    placebo: Mapping[date, Event],
    holidays: frozenset[date],
    event_days: frozenset[date],
) -> Fit:
    context = MethodContext(Circumstances(holidays=holidays, event_days=event_days))
    nothing = np.full(1, np.nan)
    errors, actuals, tries = [], [], []
    for day, event in placebo.items():
        answer = answer_for(rule, values_kwh, event, series, nothing, context)
        if not answer.is_payable or np.isnan(answer.actual_kwh).any():
            continue
        errors.append(answer.baseline_kwh - answer.actual_kwh)
        actuals.append(answer.actual_kwh)
        tries.append(Placebo(day, float(answer.baseline_kwh.sum()), float(answer.actual_kwh.sum())))
    return _summary(rule.name, errors, actuals, tries, len(placebo))


def _summary(
    method: str, errors: Sequence[FloatArray], actuals: Sequence[FloatArray], tries: Sequence[Placebo], asked: int
) -> Fit:
    missing = 1 - len(tries) / asked if asked else 1.0
    none = float("nan")
    if not errors or (mean := float(np.concatenate(actuals).mean())) <= 0:
        return Fit(method, len(tries), none, none, missing, (none, none), tuple(tries))
    pooled = np.concatenate(errors)
    relative = [one.baseline_kwh / one.actual_kwh - 1 for one in tries if one.actual_kwh > 0]
    low, high = (float(value) for value in np.quantile(relative, BAND_QUANTILES)) if relative else (none, none)
    return Fit(
        method=method,
        events=len(tries),
        rrmse_pu=float(np.sqrt(np.mean(pooled**2))) / mean,
        bias_pu=float(pooled.mean()) / mean,
        missing_pu=missing,
        band_pu=(low, high),
        placebo=tuple(tries),
    )
