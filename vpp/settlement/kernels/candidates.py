"""The days that may serve as reference days, judged before any is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.grid import EventGrid
from vpp.settlement.kernels.profiles import MethodProfile

NO_DISTANCE: FloatArray = np.zeros(0)


@dataclass(slots=True)
class Candidates:
    """Reference days, most recent first, with their judgement so far.

    reasons   : "" where the day may serve, else why it may not; filled further while choosing.
    looked_at : how many days were looked at before enough were collected; None for all.
    event_kwh : (D,) covered energy in the event's slots; NaN where readings miss.
    rank_kwh  : (D,) the energy that days are ranked by.
    distance  : (D,) how far a day's other hours are from the event day's; only where days are matched by load.
    """

    dates: tuple[date, ...]
    reasons: list[str]
    complete: NDArray[np.bool_]
    event_kwh: FloatArray
    rank_kwh: FloatArray
    distance: FloatArray = field(default_factory=lambda: NO_DISTANCE)
    topped_up: bool = False
    looked_at: int | None = None

    def passed_over(self, chosen: list[int]) -> list[int]:
        """Days that were looked at and not used."""
        return [index for index, reason in enumerate(self.reasons) if reason and index not in chosen]


def judged_candidates(
    grid: EventGrid,
    profile: MethodProfile,
    values_kwh: FloatArray,
    reference: FloatArray,
    actual: FloatArray,
    reasons: Sequence[str],
) -> Candidates:
    """The reference days with their energies; a day without a needed reading is passed over.

    reference : (D, E + W) values of the days' slots. actual : (E + W,) of the event day.
    """
    energy = reference[:, : grid.n_event] @ grid.coverage
    ranked, distance, needed = energy, NO_DISTANCE, reference
    if profile.rank_by == "day":
        ranked = np.array([_day_kwh(values_kwh, grid, day) for day in grid.dates])
        needed = np.column_stack([reference, ranked])
    if profile.pick == "nearest_load":
        read = np.concatenate([np.ones(grid.n_event, dtype=bool), ~np.isnan(actual[grid.n_event :])])
        needed = reference[:, read]
        distance = _distance(needed[:, grid.n_event :], actual[read][grid.n_event :], profile.match_distance)
    complete = np.asarray(~np.isnan(needed).any(axis=1), dtype=np.bool_)
    judged = [reason or ("" if whole else "missing_readings") for reason, whole in zip(reasons, complete, strict=True)]
    return Candidates(grid.dates, judged, complete, energy, ranked, distance)


def _day_kwh(values_kwh: FloatArray, grid: EventGrid, day: date) -> float:
    """Energy of a whole local day; NaN if a reading misses or the series does not hold the day."""
    begin, end = grid.midnight_index(day), grid.midnight_index(day + timedelta(days=1))
    return float(values_kwh[begin:end].sum()) if 0 <= begin < end <= values_kwh.size else float("nan")


def _distance(reference: FloatArray, actual: FloatArray, kind: str) -> FloatArray:
    """(D,) mean squared or absolute difference over the compared slots; NaN where nothing can be compared."""
    if not actual.size:
        return np.full(len(reference), np.nan)
    gap = reference - actual
    return np.asarray((np.abs(gap) if kind == "absolute" else gap**2).mean(axis=1), dtype=np.float64)
