"""Forecast every device of a fleet, class by class, in load convention and on the intervals of the target day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats
from forecasting.kernels.calendar import local_clock
from forecasting.kernels.classes import CLASSES, NET, SeriesClass, class_of
from forecasting.kernels.clear_sky import clear_power_pu
from forecasting.kernels.climb import TrainedClass
from forecasting.kernels.fleet_forecast import FleetForecast, empty_forecast
from forecasting.kernels.gradient import sample_rows
from forecasting.kernels.ladder import LadderSettings
from forecasting.kernels.parts import PART_SERIES, Clock, Part, PartForecast, forecast_part, train_part
from forecasting.kernels.weather import Weather, laid_out
from forecasting.kernels.workers import Workers

CLASS_ROWS = {"load": 25_000, "net": 25_000, "pv": 15_000, "ev": 10_000, "heat": 10_000, "wind": 6_000}


class Histories(Protocol):
    """(n, T) of the asked rows: an array, or something that reads them when they are asked for."""

    def __getitem__(self, rows: NDArray[np.int64]) -> Floats: ...


@dataclass(frozen=True)
class FleetInput:
    """History of N devices as known at the issue time.

    power_kw (N, T) load convention, NaN where missing, dispatched or unknown; starts (T,) naive UTC.
    target_starts (H,) naive UTC: the intervals of one local day after the issue's local day.
    portfolio, feeder (N,) numbers of the sums that a device is part of, -1 for none; site (N,): devices of a site whose
    meter has been read do not count in their feeder, the meter does. position_deg (N, 2): latitude and longitude, NaN
    where they are not known; None: of no device.
    """

    power_kw: Histories
    starts: NDArray[np.datetime64]
    kinds: Sequence[str]
    max_consumption_kw: NDArray[np.floating]
    max_production_kw: NDArray[np.floating]
    issue: np.datetime64
    target_starts: NDArray[np.datetime64]
    zone: str
    portfolio: NDArray[np.int64]
    feeder: NDArray[np.int64]
    site: NDArray[np.int64]
    step_minutes: int = 15
    holidays: frozenset[date] = frozenset()
    seed: int = 0
    weather: Weather | None = None
    position_deg: NDArray[np.float64] | None = None


@dataclass
class _Course:
    """One run through the classes: what goes in, what comes out, who works."""

    fleet: FleetInput
    out: FleetForecast
    clock: Clock
    known: NDArray[np.bool_]
    workers: Workers
    stored: Mapping[str, TrainedClass]
    members: dict[str, NDArray[np.int64]] = field(default_factory=dict)


def forecast_fleet(
    fleet: FleetInput, *, stored: Mapping[str, TrainedClass] | None = None, workers: Workers | None = None
) -> FleetForecast:
    """Mean and quantiles for every device; finite whatever the history holds.

    stored : models by class that are used instead of a fit. Those fitted now stand in the answer's `trained`.
    Raises ValueError if the target is not one local day after the issue's.
    """
    # not even a level may see what ends after the issue
    known = fleet.starts + np.timedelta64(fleet.step_minutes * 60, "s") <= fleet.issue
    clock = Clock(fleet.starts[known], fleet.issue, fleet.zone, fleet.step_minutes, fleet.holidays, 0)
    grid = clock.grid(np.zeros((0, int(known.sum())), dtype=np.float32))
    target = local_clock(fleet.target_starts, fleet.zone, fleet.step_minutes)
    if len(np.unique(target.dates)) != 1 or target.dates[0] <= grid.dates[-1]:
        raise ValueError("the target must be one local day after the day of issue")
    target_day = int((target.dates[0] - grid.dates[0]).astype(np.int64))
    out = empty_forecast(grid, target.slots, target_day, fleet.portfolio, fleet.feeder)
    clock = replace(clock, target_day=target_day)
    there = set(laid_out(fleet.weather, grid, target_day))
    unusable = {
        name: f"weather that is not there: {', '.join(sorted(set(one.weather) - there))}"
        for name, one in (stored or {}).items()
        if set(one.weather) - there
    }
    out.unusable.update(unusable)
    usable = {name: one for name, one in (stored or {}).items() if name not in unusable}
    course = _Course(fleet, out, clock, known, workers or Workers(1), usable)
    classes = np.array([class_of(kind).name for kind in fleet.kinds], dtype=object)
    course.members = {name: rows for name in CLASSES if len(rows := np.flatnonzero(classes == name))}
    course.members.pop("idle", None)
    _forecast(course, [NET.name])
    out.leave_to_meters(np.array(fleet.kinds, dtype=object), fleet.site)
    _forecast(course, [name for name in CLASSES if name != NET.name])
    return out


def settings_for(name: str, *, seed: int) -> LadderSettings:
    """Training rows by class: rows, not series, set the bill of a pooled fit."""
    return LadderSettings(training_rows=CLASS_ROWS.get(name, 10_000), rounds=35, seed=seed)


def _forecast(course: _Course, names: list[str]) -> None:
    """The models of large classes first, each fitted on a sample of its series; then all parts of all classes."""
    names = [name for name in names if name in course.members]
    large = [name for name in names if _needs_fit(course, name) and len(course.members[name]) > PART_SERIES]
    samples = (_part(course, name, _sample(course, name)) for name in large)
    fitted = dict(zip(large, course.workers.map(train_part, samples), strict=True))
    rows: list[tuple[str, NDArray[np.int64]]] = []
    for name in names:
        members = course.members[name]
        rows += [(name, members[start : start + PART_SERIES]) for start in range(0, len(members), PART_SERIES)]
    found: dict[str, list[PartForecast]] = {name: [] for name in names}
    for (name, members), one in zip(rows, course.workers.map(forecast_part, _parts(course, rows, fitted)), strict=True):
        course.out.store(members, one)
        found[name].append(one.without_arrays())
    for name in names:
        trained = fitted.get(name) or found[name][0].trained
        if trained is not None:
            course.out.trained[name] = trained
        course.out.close_class(CLASSES[name], course.members[name], found[name], trained or course.stored.get(name))
        if CLASSES[name].daylight:
            _newcomers_under_the_sun(course, course.members[name])


def _newcomers_under_the_sun(course: _Course, members: NDArray[np.int64]) -> None:
    """Panels that were never measured, where no others were: what the sun usually gives at their place."""
    fleet, out = course.fleet, course.out
    if fleet.position_deg is None or (out.rung[members] != "fallback").any():
        return
    placed = members[np.isfinite(fleet.position_deg[members]).all(axis=1)]
    places, of_place = np.unique(np.round(fleet.position_deg[placed] * 4) / 4, axis=0, return_inverse=True)
    for number, (north, east) in enumerate(places):
        clear = clear_power_pu(fleet.target_starts, north, east, fleet.step_minutes)
        out.under_clear_sky(placed[of_place == number], clear)


def _needs_fit(course: _Course, name: str) -> bool:
    return CLASSES[name].gradient and name not in course.stored


def _sample(course: _Course, name: str) -> NDArray[np.int64]:
    members = course.members[name]
    return members[sample_rows(len(members), PART_SERIES, seed=course.fleet.seed)]


def _parts(
    course: _Course, rows: list[tuple[str, NDArray[np.int64]]], fitted: Mapping[str, TrainedClass | None]
) -> Iterator[Part]:
    """Parts in order, made when they are asked for: their histories are read only then."""
    for name, members in rows:
        learn = _needs_fit(course, name) and name not in fitted
        yield _part(course, name, members, trained=fitted.get(name) or course.stored.get(name), learn=learn)


def _part(
    course: _Course,
    name: str,
    members: NDArray[np.int64],
    *,
    trained: TrainedClass | None = None,
    learn: bool = False,
) -> Part:
    fleet = course.fleet
    return Part(
        clock=course.clock,
        class_name=name,
        settings=settings_for(name, seed=fleet.seed),
        power_kw=np.asarray(fleet.power_kw[members])[:, course.known],
        rating_kw=_rating(fleet, CLASSES[name], members),
        portfolio=course.out.portfolio[members],
        feeder=course.out.feeder[members],
        weather=fleet.weather,
        trained=trained,
        learn=learn,
        measured_only=name == NET.name,
    )


def _rating(fleet: FleetInput, kind: SeriesClass, members: NDArray[np.int64]) -> Floats:
    if kind.name == NET.name:
        return np.maximum(fleet.max_consumption_kw, fleet.max_production_kw)[members]
    return (fleet.max_production_kw if kind.produces else fleet.max_consumption_kw)[members]
