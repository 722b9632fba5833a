"""A part of a class: some series with all they need, forecast in one go, in this process or in a worker.

Arrays in, arrays out: histories do not come back, only their sums over portfolios and feeders.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats
from forecasting.kernels.calendar import DayGrid, to_day_grid
from forecasting.kernels.classes import CLASSES
from forecasting.kernels.cleaning import Cleaned, clean, findings
from forecasting.kernels.climb import TrainedClass, forecast_class, train_class
from forecasting.kernels.clock_change import hold_clock
from forecasting.kernels.ladder import ClassForecast, Ladder, LadderSettings
from forecasting.kernels.weather import Weather, admitted_weather, laid_out

PART_SERIES = 500  # a quarter of a megabyte of naive forecasts each


@dataclass(frozen=True)
class Clock:
    """What all parts share: naive UTC starts (T,), the issue, the zone's calendar and the target day on the grid."""

    starts: NDArray[np.datetime64]
    issue: np.datetime64
    zone: str
    step_minutes: int
    holidays: frozenset[date]
    target_day: int

    def grid(self, values: Floats) -> DayGrid:
        return to_day_grid(
            values,
            self.starts,
            issue=self.issue,
            zone=self.zone,
            step_minutes=self.step_minutes,
            holidays=self.holidays,
            min_days=2,
        )


@dataclass(frozen=True)
class Part:
    """Some series of one class: power_kw (n, T) load convention, rating_kw (n,); portfolio, feeder (n,) numbers or -1.

    trained : the class's model; with `learn` it is fitted on this part first. measured_only: a series without
    readings counts in no sum, because others stand for it (a meter that was never read).
    """

    clock: Clock
    class_name: str
    settings: LadderSettings
    power_kw: Floats
    rating_kw: Floats
    portfolio: NDArray[np.int64]
    feeder: NDArray[np.int64]
    weather: Weather | None
    trained: TrainedClass | None = None
    learn: bool = False
    measured_only: bool = False


@dataclass(frozen=True)
class Summed:
    """Histories (U, D, S) of the groups with numbers (U,), load convention."""

    numbers: NDArray[np.int64]
    history_kw: Floats


@dataclass(frozen=True)
class PartForecast:
    """Arrays as in ClassForecast but load convention, with the sums that the part adds to its groups."""

    class_name: str
    mean_kw: Floats
    quantiles_kw: Floats
    profile_kw: Floats
    held_mean_kw: Floats
    spread_kw: Floats
    capacity_kw: Floats
    rung: NDArray[np.str_]
    gradient_weight: Floats
    findings: list[list[str]]
    portfolios: Summed
    feeders: Summed
    trained: TrainedClass | None

    def without_arrays(self) -> "PartForecast":
        """Only what the class's record needs, so that the parts of a large class do not pile up."""
        nothing = np.zeros((0, 0), dtype=np.float32)
        none = Summed(np.zeros(0, dtype=np.int64), nothing)
        return replace(
            self,
            mean_kw=nothing,
            quantiles_kw=nothing,
            profile_kw=nothing,
            held_mean_kw=nothing,
            spread_kw=nothing,
            portfolios=none,
            feeders=none,
        )


def forecast_part(part: Part) -> PartForecast:
    """Clean, lay out, climb the ladder, sum up."""
    cleaned, ladder = _ladder_of(part)
    trained = part.trained
    if part.learn:
        trained = _learned(part, ladder)
    elif trained is not None:
        _answer(part, ladder, trained.weather)
    found = forecast_class(ladder, part.settings, trained)
    sign = np.float32(-1 if ladder.kind.produces else 1)
    quantiles = sign * found.quantiles_kw
    history = sign * filled_history(ladder, found)
    counted = (found.rung != "fallback") if part.measured_only else np.ones(len(found.rung), dtype=bool)
    return PartForecast(
        class_name=part.class_name,
        mean_kw=sign * found.mean_kw,
        quantiles_kw=quantiles if sign > 0 else quantiles[..., ::-1],
        profile_kw=sign * found.profile_kw,
        held_mean_kw=sign * found.held_mean_kw,
        spread_kw=(found.quantiles_kw[..., -1] - found.quantiles_kw[..., 0]) / np.float32(2.563),
        capacity_kw=cleaned.capacity_kw,
        rung=found.rung,
        gradient_weight=found.gradient_weight,
        findings=_judged(cleaned, part.clock.step_minutes),
        portfolios=_summed(history, np.where(counted, part.portfolio, -1)),
        feeders=_summed(history, np.where(counted, part.feeder, -1)),
        trained=trained if part.learn else None,
    )


def train_part(part: Part) -> TrainedClass | None:
    """The class's model, fitted on a part that stands for it."""
    return _learned(part, _ladder_of(part)[1])


def _learned(part: Part, ladder: Ladder) -> TrainedClass | None:
    names = admitted_weather(laid_out(part.weather, ladder.grid, ladder.target_day), ladder)
    _answer(part, ladder, names)
    return train_class(ladder, part.settings, names)


def _answer(part: Part, ladder: Ladder, names: tuple[str, ...]) -> None:
    if names:
        columns = laid_out(part.weather, ladder.grid, ladder.target_day)
        ladder.answer_to(np.stack([columns[name] for name in names]).astype(np.float64))


def _ladder_of(part: Part) -> tuple[Cleaned, Ladder]:
    kind = CLASSES[part.class_name]
    signed = kind.name == "net"
    cleaned = clean(
        np.float32(-1 if kind.produces else 1) * part.power_kw,
        rating_kw=part.rating_kw,
        step_minutes=part.clock.step_minutes,
        may_idle=kind.may_idle,
        signed=signed,
    )
    grid = part.clock.grid(cleaned.values)
    ladder = Ladder(
        hold_clock(grid, part.clock.target_day, sun=kind.daylight),
        target_day=part.clock.target_day,
        series_class=kind,
        level_kw=cleaned.level_kw,
        capacity_kw=cleaned.capacity_kw,
        signed=signed,
    )
    return cleaned, ladder


def _judged(cleaned: Cleaned, step_minutes: int) -> list[list[str]]:
    """Findings worth a line in the run: what was left out; a short or gappy history is told by the rung."""
    return [[note for note in notes if note.endswith("left out")] for notes in findings(cleaned, step_minutes)]


def filled_history(ladder: Ladder, found: ClassForecast) -> Floats:
    """(n, D, S) measured history, gaps filled with the profile of their day, else by a neighbouring day; NaN only after
    the issue."""
    grid, days = ladder.grid, ladder.known.days
    filled = days.values[:, : grid.values.shape[1]].copy()
    missing = ~days.seen[:, found.past_days]
    filled[:, found.past_days] = np.where(missing, found.past_profile_kw, filled[:, found.past_days])
    filled[:, -1, grid.issue_slot :] = np.nan
    return filled


def _summed(history_kw: Floats, groups: NDArray[np.int64]) -> Summed:
    from scipy.sparse import csr_matrix

    rows = np.flatnonzero(groups >= 0)
    numbers, place = np.unique(groups[rows], return_inverse=True)
    shape = history_kw.shape[1:]
    if not len(rows):
        return Summed(numbers, np.zeros((0, *shape), dtype=np.float32))
    adding = csr_matrix((np.ones(len(rows), dtype=np.float32), (place, rows)), shape=(len(numbers), len(history_kw)))
    return Summed(numbers, (adding @ history_kw.reshape(len(history_kw), -1)).reshape(-1, *shape))
