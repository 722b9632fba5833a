"""Hourly regression on time of week and temperature, after CalTRACK's hourly methods (one segment, no monthly weights).

CalTRACK 2.0 methods, section 3; steps as in the settlement rules, 1.3: (1) missing hours are dropped, and zeros of an
electricity meter are missing; (2) an hour of the week is occupied if more than 65 % of its residuals against
y ~ max(T - 65, 0) + max(50 - T, 0) are positive; (3) temperature bins, merged while one holds under 20 hours,
separately for both states; (4) OLS on 168 hour-of-week dummies and the piecewise-linear temperature of each state;
(5) the prediction is not clipped. Temperatures in degrees Fahrenheit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.settlement.kernels.answers import BaselineAnswer, FloatArray
from vpp.settlement.kernels.slots import IntArray
from vpp.settlement.kernels.training import Frame, learnt_answer, local_clock, refused, training_span

HOURS_OF_WEEK = 168
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RegressionRule:
    """The numbers of the method; temperatures in degrees Fahrenheit."""

    lookback_days: int = 365
    bin_ends_f: tuple[float, ...] = (30.0, 45.0, 55.0, 65.0, 75.0, 90.0)
    min_bin_hours: int = 20
    cooling_from_f: float = 65.0
    heating_under_f: float = 50.0
    occupied_share: float = 0.65
    zero_is_missing: bool = True
    min_hours: int = 336


@dataclass(frozen=True, slots=True)
class Hours:
    """The series in whole UTC hours: kWh and mean temperature, NaN where any part misses; hour of the local week."""

    kwh: FloatArray
    temperature_f: FloatArray
    of_week: IntArray
    train: BoolArray


def answer_regression(frame: Frame, rule: RegressionRule, method: str = "CALTRACK_HOURLY") -> BaselineAnswer:
    """The regression's baseline; hourly predictions are spread evenly over the intervals of the hour."""
    if frame.temperature_f is None:
        return refused(frame, method, "no temperatures were given")
    per_hour = 3600 // frame.series.step_s
    if per_hour * frame.series.step_s != 3600:
        raise ValueError("the hourly regression needs intervals that divide an hour")
    hours, first = _hours(frame, rule, per_hour)
    trained = hours.train & ~np.isnan(hours.kwh) & ~np.isnan(hours.temperature_f)
    if int(trained.sum()) < rule.min_hours:
        return refused(frame, method, f"{int(trained.sum())} hours to learn from, {rule.min_hours} needed")
    occupied = occupied_hours(hours, trained, rule)
    of_hour = predict(hours, trained, occupied, rule)
    index = frame.slot_index
    position = (index - first) // per_hour
    inside = (index >= first) & (position < of_hour.size)
    predicted = np.where(inside, np.append(of_hour, np.nan)[np.where(inside, position, -1)] / per_hour, np.nan)
    return learnt_answer(
        frame, method, predicted, {"training_hours": int(trained.sum()), "occupied_hours": int(occupied.sum())}
    )


def _hours(frame: Frame, rule: RegressionRule, per_hour: int) -> tuple[Hours, int]:
    """Whole hours of the series, and the position of the first of their intervals."""
    assert frame.temperature_f is not None
    values = np.where(frame.values_kwh == 0, np.nan, frame.values_kwh) if rule.zero_is_missing else frame.values_kwh
    offset_s = int(frame.series.start.astype("datetime64[s]").astype(int)) % 3600
    first = (-offset_s // frame.series.step_s) % per_hour
    count = (frame.series.size - first) // per_hour
    part = slice(first, first + count * per_hour)
    minutes, weekdays, _ = local_clock(frame.starts[part][::per_hour], frame.zone)
    allowed = training_span(frame, rule.lookback_days)[part].reshape(count, per_hour).all(axis=1)
    hours = Hours(
        kwh=values[part].reshape(count, per_hour).sum(axis=1),
        temperature_f=frame.temperature_f[part].reshape(count, per_hour).mean(axis=1),
        of_week=weekdays * 24 + minutes // 60,
        train=np.asarray(allowed, dtype=np.bool_),
    )
    return hours, first


def occupied_hours(hours: Hours, trained: BoolArray, rule: RegressionRule) -> BoolArray:
    """(168,) hours of the week whose use is mostly above what the temperature explains."""
    warm = np.maximum(hours.temperature_f[trained] - rule.cooling_from_f, 0.0)
    cold = np.maximum(rule.heating_under_f - hours.temperature_f[trained], 0.0)
    design = np.column_stack([np.ones(warm.size), warm, cold])
    fit, *_ = np.linalg.lstsq(design, hours.kwh[trained], rcond=None)
    above = hours.kwh[trained] - design @ fit > 0
    counts = np.bincount(hours.of_week[trained], minlength=HOURS_OF_WEEK)
    positive = np.bincount(hours.of_week[trained], weights=above.astype(np.float64), minlength=HOURS_OF_WEEK)
    return np.asarray(positive > rule.occupied_share * np.maximum(counts, 1), dtype=np.bool_)


def merged_bin_ends(temperature_f: FloatArray, rule: RegressionRule) -> list[float]:
    """The bin ends that leave at least `min_bin_hours` in every bin: a thin bin joins its lower neighbour, the lowest
    its upper one."""
    ends = list(rule.bin_ends_f)
    while ends:
        counts = np.bincount(np.searchsorted(ends, temperature_f, side="left"), minlength=len(ends) + 1)
        thin = np.flatnonzero(counts < rule.min_bin_hours)
        if not thin.size:
            break
        ends.pop(max(int(thin[0]) - 1, 0))
    return ends


def temperature_features(temperature_f: FloatArray, ends: list[float]) -> FloatArray:
    """(K, B) the temperature as a sum of its parts in each bin: piecewise linear in a regression."""
    if not ends:
        return temperature_f[:, None]
    parts = [np.minimum(temperature_f, ends[0])]
    parts += [np.clip(temperature_f - low, 0.0, high - low) for low, high in zip(ends, ends[1:], strict=False)]
    return np.column_stack([*parts, np.maximum(temperature_f - ends[-1], 0.0)])


def predict(hours: Hours, trained: BoolArray, occupied: BoolArray, rule: RegressionRule) -> FloatArray:
    """(K,) kWh of every hour; NaN without a temperature or where that hour of the week was never seen."""
    dummies = np.eye(HOURS_OF_WEEK)[hours.of_week]
    columns = [dummies]
    state = occupied[hours.of_week]
    for wanted in (True, False):
        seen = hours.temperature_f[trained & (state == wanted)]
        ends = merged_bin_ends(seen, rule)
        columns.append(temperature_features(hours.temperature_f, ends) * (state == wanted)[:, None])
    design = np.column_stack(columns)
    fit, *_ = np.linalg.lstsq(design[trained], hours.kwh[trained], rcond=None)
    unseen = np.bincount(hours.of_week[trained], minlength=HOURS_OF_WEEK)[hours.of_week] == 0
    known = ~np.isnan(hours.temperature_f) & ~unseen
    predicted = np.full(hours.kwh.size, np.nan)
    predicted[known] = design[known] @ fit
    return predicted
