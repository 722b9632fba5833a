"""What is known of a fleet's target day after its parts came back: rows per device, sums per portfolio and feeder."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import SeriesClass
from forecasting.kernels.clear_sky import CLEARNESS
from forecasting.kernels.climb import TrainedClass
from forecasting.kernels.ladder import LEVELS, LadderSettings, held_out, past_days
from forecasting.kernels.parts import PartForecast, Summed


@dataclass(frozen=True)
class FleetForecast:
    """Forecast of N devices in load convention.

    mean_kw (N, S), quantiles_kw (N, S, Q), profile_kw (N, S) of the robust profile alone, by local slot;
    slots (H,) of the target's intervals. grid: days and slots, without series.
    held_days (V,) grid days, held_mean_kw (N, V, S) what models without them said; spread_kw (N, S) standard deviation.
    portfolio, feeder (N,): number of the sum that counts the device, -1 for none. portfolio_kw: class -> (P, D, S) and
    feeder_kw (F, D, S): summed histories without gaps, NaN after the issue.
    rung (N,); flags: (device index, finding) pairs; summary per class for the run's record; trained: models fitted now;
    unusable: why a stored one was not used.
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
    capacity_kw: Floats
    portfolio: NDArray[np.int64]
    feeder: NDArray[np.int64]
    portfolio_kw: dict[str, Floats]
    feeder_kw: Floats
    rung: NDArray[np.str_]
    flags: list[tuple[int, str]] = field(default_factory=list)
    summary: dict[str, dict[str, float]] = field(default_factory=dict)
    trained: dict[str, TrainedClass] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)

    def on_intervals(self, by_slot: Floats) -> Floats:
        """(N, S, ...) by local slot to (N, H, ...) by interval: the repeated autumn hour twice, the spring one not."""
        return by_slot[:, self.slots]

    @property
    def past_days(self) -> NDArray[np.int64]:
        """(R,) grid days whose errors are known, newest last."""
        return past_days(self.grid.issue_day, self.target_day - self.grid.issue_day)

    @property
    def n_portfolios(self) -> int:
        return int(self.portfolio.max(initial=-1)) + 1

    def leave_to_meters(self, kinds: NDArray[np.object_], site: NDArray[np.int64]) -> None:
        """A feeder's net load: a site's meter where it has been read, else the site's devices."""
        meter = kinds == "METER"
        read = meter & (self.rung != "fallback")
        self.feeder[(meter & ~read) | (~meter & np.isin(site, site[read]))] = -1

    def store(self, members: NDArray[np.int64], part: PartForecast) -> None:
        for name in ("mean_kw", "quantiles_kw", "profile_kw", "held_mean_kw", "spread_kw", "capacity_kw", "rung"):
            getattr(self, name)[members] = getattr(part, name)
        for index, notes in zip(members, part.findings, strict=True):
            self.flags.extend((int(index), note) for note in notes)
        shape = (len(self.grid.dates), self.grid.slots_per_day)
        whole = self.portfolio_kw.setdefault(part.class_name, np.zeros((self.n_portfolios, *shape), dtype=np.float32))
        _add(whole, part.portfolios)
        _add(self.feeder_kw, part.feeders)

    def under_clear_sky(self, members: NDArray[np.int64], clear_pu: Floats) -> None:
        """Panels of which only the rating is known: what skies make of a clear one, clear_pu (H,) of the target."""
        by_slot = np.zeros(self.grid.slots_per_day)
        by_slot[self.slots] = clear_pu
        shares = np.clip(by_slot[:, None] * CLEARNESS, 0, 1)
        self.quantiles_kw[members] = -self.capacity_kw[members, None, None] * shares[:, ::-1]
        self.mean_kw[members] = self.profile_kw[members] = self.quantiles_kw[members, :, 1]

    def close_class(
        self,
        kind: SeriesClass,
        members: NDArray[np.int64],
        parts: list[PartForecast],
        trained: TrainedClass | None,
    ) -> None:
        """Newcomers get the mean shape of their class times their capacity; then the class's line in the record."""
        cold = members[self.rung[members] == "fallback"]
        warm = members[self.rung[members] != "fallback"]
        if len(cold) and len(warm):
            per_kw = 1 / self.capacity_kw[warm]
            shape = (self.mean_kw[warm] * per_kw[:, None]).mean(axis=0)
            bands = (self.quantiles_kw[warm] * per_kw[:, None, None]).mean(axis=0)
            self.mean_kw[cold] = shape * self.capacity_kw[cold, None]
            self.quantiles_kw[cold] = bands * self.capacity_kw[cold, None, None]
        weight = np.concatenate([one.gradient_weight for one in parts])
        self.summary[kind.name] = {
            "series": float(len(members)),
            "weather_columns": float(len(trained.weather) if trained else 0),
            "training_rows": float(trained.model.rows if trained else 0),
            "gradient_weight": round(float(weight.mean()), 4),
            "band_factor": round(trained.band_factor if trained else 1.0, 4),
        }


def empty_forecast(
    grid: DayGrid, slots: NDArray[np.int64], target_day: int, portfolio: NDArray[np.int64], feeder: NDArray[np.int64]
) -> FleetForecast:
    n_devices, n_slots = len(portfolio), grid.slots_per_day
    held = held_out(past_days(grid.issue_day, target_day - grid.issue_day), LadderSettings.holdout_days)
    return FleetForecast(
        mean_kw=np.zeros((n_devices, n_slots), dtype=np.float32),
        quantiles_kw=np.zeros((n_devices, n_slots, len(LEVELS)), dtype=np.float32),
        profile_kw=np.zeros((n_devices, n_slots), dtype=np.float32),
        slots=slots,
        grid=grid,
        target_day=target_day,
        held_days=held,
        held_mean_kw=np.zeros((n_devices, len(held), n_slots), dtype=np.float32),
        spread_kw=np.zeros((n_devices, n_slots), dtype=np.float32),
        capacity_kw=np.full(n_devices, 1e-6, dtype=np.float32),
        portfolio=portfolio.copy(),
        feeder=feeder.copy(),
        portfolio_kw={},
        feeder_kw=np.zeros((int(feeder.max(initial=-1)) + 1, len(grid.dates), n_slots), dtype=np.float32),
        rung=np.full(n_devices, "idle", dtype="<U10"),
    )


def _add(whole: Floats, part: Summed) -> None:
    whole[part.numbers] += part.history_kw
