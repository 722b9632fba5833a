"""Forecast every device of a fleet, class by class, in load convention and on the intervals of the target day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats, fill_from, nan_mean
from forecasting.kernels.calendar import DayGrid, local_clock, to_day_grid
from forecasting.kernels.classes import CLASSES, SeriesClass, class_of
from forecasting.kernels.cleaning import Cleaned, clean
from forecasting.kernels.climb import forecast_class, train_class
from forecasting.kernels.gradient import sample_rows
from forecasting.kernels.ladder import (
    LEVELS,
    ClassForecast,
    Ladder,
    LadderSettings,
    held_out,
    past_days,
)
from forecasting.kernels.weather import Weather, admitted_weather

CHUNK_SERIES = 4000
TRAINING_SERIES = 1500
CLASS_ROWS = {"load": 25_000, "net": 25_000, "pv": 15_000, "ev": 10_000, "heat": 10_000, "wind": 6_000}


@dataclass(frozen=True)
class FleetInput:
    """History of N devices as known at the issue time.

    power_kw (N, T) load convention, NaN where missing, dispatched or unknown; starts (T,) naive UTC.
    target_starts (H,) naive UTC: the intervals of one local day after the issue's local day.
    """

    power_kw: NDArray[np.floating]
    starts: NDArray[np.datetime64]
    kinds: Sequence[str]
    max_consumption_kw: NDArray[np.floating]
    max_production_kw: NDArray[np.floating]
    issue: np.datetime64
    target_starts: NDArray[np.datetime64]
    zone: str
    step_minutes: int = 15
    holidays: frozenset[date] = frozenset()
    seed: int = 0
    weather: Weather | None = None


@dataclass(frozen=True)
class FleetForecast:
    """Forecast of N devices in load convention.

    mean_kw (N, S), quantiles_kw (N, S, Q), profile_kw (N, S) of the robust profile alone, by local slot;
    slots (H,) of the target's intervals.
    history_kw (N, D, S): cleaned history with gaps filled by the profile, for sums; NaN after the issue.
    held_days (V,) grid days, held_mean_kw (N, V, S) what models without them said; spread_kw (N, S) standard deviation.
    rung (N,); flags: (device index, finding) pairs; summary per class for the run's record.
    """

    mean_kw: Floats
    quantiles_kw: Floats
    profile_kw: Floats
    slots: NDArray[np.int64]
    grid: DayGrid
    target_day: int
    held_days: NDArray[np.int64]
    held_mean_kw: Floats
    spread_kw: Floats
    rung: NDArray[np.str_]
    flags: list[tuple[int, str]]
    summary: dict[str, dict[str, float]]

    def on_intervals(self, by_slot: Floats) -> Floats:
        """(N, S, ...) by local slot to (N, H, ...) by interval: the repeated autumn hour twice, the spring one not."""
        return by_slot[:, self.slots]


def forecast_fleet(fleet: FleetInput) -> FleetForecast:
    """Mean and quantiles for every device; finite whatever the history holds.

    Raises ValueError if the target is not one local day after the issue's.
    """
    fleet = until_issue(fleet)
    classes = np.array([class_of(kind).name for kind in fleet.kinds], dtype=object)
    grid = to_day_grid(
        np.zeros((0, len(fleet.starts)), dtype=np.float32),
        fleet.starts,
        issue=fleet.issue,
        zone=fleet.zone,
        step_minutes=fleet.step_minutes,
        holidays=fleet.holidays,
        min_days=2,
    )
    clock = local_clock(fleet.target_starts, fleet.zone, fleet.step_minutes)
    if len(np.unique(clock.dates)) != 1 or clock.dates[0] <= grid.dates[-1]:
        raise ValueError("the target must be one local day after the day of issue")
    target_day = int((clock.dates[0] - grid.dates[0]).astype(np.int64))
    out = _empty(len(classes), grid, clock.slots, target_day)
    for name in CLASSES:
        members = np.flatnonzero(classes == name)
        if len(members):
            _forecast_members(out, fleet, members, CLASSES[name])
    return out


def until_issue(fleet: FleetInput) -> FleetInput:
    """The same fleet without the intervals that end after the issue time: not even a level may see them."""
    known = fleet.starts + np.timedelta64(fleet.step_minutes * 60, "s") <= fleet.issue
    return fleet if known.all() else replace(fleet, power_kw=fleet.power_kw[:, known], starts=fleet.starts[known])


def _empty(n_devices: int, grid: DayGrid, slots: NDArray[np.int64], target_day: int) -> FleetForecast:
    shape, n_days = (n_devices, grid.slots_per_day), len(grid.dates)
    held = held_out(past_days(grid.issue_day, target_day - grid.issue_day), LadderSettings.holdout_days)
    return FleetForecast(
        mean_kw=np.zeros(shape, dtype=np.float32),
        quantiles_kw=np.zeros((*shape, len(LEVELS)), dtype=np.float32),
        profile_kw=np.zeros(shape, dtype=np.float32),
        slots=slots,
        grid=grid.with_values(np.zeros((n_devices, n_days, grid.slots_per_day), dtype=np.float32)),
        target_day=target_day,
        held_days=held,
        held_mean_kw=np.zeros((n_devices, len(held), grid.slots_per_day), dtype=np.float32),
        spread_kw=np.zeros(shape, dtype=np.float32),
        rung=np.full(n_devices, "idle", dtype="<U10"),
        flags=[],
        summary={},
    )


def _forecast_members(out: FleetForecast, fleet: FleetInput, members: NDArray[np.int64], kind: SeriesClass) -> None:
    """One class, in parts that fit into memory; its model is fitted once, on a sample of its series."""
    if kind.name == "idle":
        return
    settings, trained = settings_for(kind.name, seed=fleet.seed), None
    outside: Floats | None = None
    if len(members) > CHUNK_SERIES:
        sample = members[sample_rows(len(members), TRAINING_SERIES, seed=fleet.seed)]
        ladder = _part(out, fleet, sample, kind).ladder
        ladder.outside = outside = admitted_weather(fleet.weather, ladder)
        trained = train_class(ladder, settings)
    parts = []
    for start in range(0, len(members), CHUNK_SERIES):
        part = _part(out, fleet, members[start : start + CHUNK_SERIES], kind)
        part.ladder.outside = admitted_weather(fleet.weather, part.ladder) if outside is None else outside
        found = forecast_class(part.ladder, settings, trained)
        _store(out, part, found, np.float32(-1 if kind.produces else 1))
        parts.append(found)
    out.summary[kind.name] = {
        "series": float(len(members)),
        "weather_columns": float(len(part.ladder.outside)),
        "training_rows": float(parts[0].training_rows),
        "gradient_weight": round(float(np.concatenate([one.gradient_weight for one in parts]).mean()), 4),
        "band_factor": round(parts[0].band_factor, 4),
    }


@dataclass(frozen=True)
class _Part:
    """Some series of a class, cleaned and laid out."""

    members: NDArray[np.int64]
    cleaned: Cleaned
    ladder: Ladder


def _part(out: FleetForecast, fleet: FleetInput, members: NDArray[np.int64], kind: SeriesClass) -> _Part:
    signed = kind.name == "net"
    rating = fleet.max_production_kw if kind.produces else fleet.max_consumption_kw
    rating = np.maximum(fleet.max_consumption_kw, fleet.max_production_kw) if signed else rating
    cleaned = clean(
        np.float32(-1 if kind.produces else 1) * fleet.power_kw[members],
        rating_kw=rating[members],
        step_minutes=fleet.step_minutes,
        may_idle=kind.may_idle,
        signed=signed,
    )
    grid = to_day_grid(
        cleaned.values,
        fleet.starts,
        issue=fleet.issue,
        zone=fleet.zone,
        step_minutes=fleet.step_minutes,
        holidays=fleet.holidays,
        min_days=2,
    )
    ladder = Ladder(
        grid,
        target_day=out.target_day,
        series_class=kind,
        level_kw=cleaned.level_kw,
        capacity_kw=cleaned.capacity_kw,
        signed=signed,
    )
    return _Part(members, cleaned, ladder)


def settings_for(name: str, *, seed: int) -> LadderSettings:
    """Training rows by class: rows, not series, set the bill of a pooled fit."""
    return LadderSettings(training_rows=CLASS_ROWS.get(name, 10_000), rounds=35, seed=seed)


def _store(out: FleetForecast, part: _Part, found: ClassForecast, sign: np.float32) -> None:
    members = part.members
    out.mean_kw[members] = sign * found.mean_kw
    out.profile_kw[members] = sign * found.profile_kw
    quantiles = sign * found.quantiles_kw
    out.quantiles_kw[members] = quantiles if sign > 0 else quantiles[..., ::-1]
    out.held_mean_kw[members] = sign * found.held_mean_kw
    out.grid.values[members] = sign * filled_history(part.ladder.grid, found)
    out.spread_kw[members] = (found.quantiles_kw[..., -1] - found.quantiles_kw[..., 0]) / np.float32(2.563)
    out.rung[members] = found.rung
    for index, spikes, stuck in zip(members, part.cleaned.spikes, part.cleaned.stuck, strict=True):
        if spikes:
            out.flags.append((int(index), f"{int(spikes)} implausible values left out"))
        if stuck:
            out.flags.append((int(index), f"{int(stuck)} intervals of a stuck meter left out"))


def filled_history(grid: DayGrid, found: ClassForecast) -> Floats:
    """(N, D, S) history with gaps filled by the profile of the day, else the slot mean; NaN only after the issue."""
    profile = np.full(grid.values.shape, np.nan, dtype=np.float32)
    profile[:, found.past_days] = found.past_profile_kw
    slot_mean = nan_mean(grid.values, axis=1)[:, None]
    filled = fill_from(grid.values, profile, slot_mean, np.zeros((1, 1, 1), dtype=np.float32))
    filled[:, -1, grid.issue_slot :] = np.nan
    return filled
