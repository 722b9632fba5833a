"""What the blend of a class is made of: naive forecasts, the persistence regression, the class's process."""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.classes import SeriesClass
from forecasting.kernels.load_kernel import with_habits
from forecasting.kernels.naive import Days, blend_days, naive_days
from forecasting.kernels.persistence import persistence_days
from forecasting.kernels.weather_kernel import weather_blend, with_process

PERSISTENCE_SERIES = 250  # its inputs take half a megabyte a series


def members_and_blend(days: Days, kind: SeriesClass, *, lasting: bool = True) -> tuple[Floats, Floats]:
    """(M, N, D, S) forecasts of every day, each from what was known at its own issue, and their blend (N, D, S).

    lasting : with persistence regression and process, which cost more than all the others.
    """
    members = naive_days(days)
    if lasting:
        members = np.concatenate([members, _persistence(days, members)[None]])
    if lasting and kind.weather and len(days.values):
        members = with_process(days, members)
        return members, weather_blend(days, members)
    if lasting and kind.follows_week:
        members = with_habits(days, members)
    return members, blend_days(days, members)


def _persistence(days: Days, members: Floats) -> Floats:
    chunks = [slice(start, start + PERSISTENCE_SERIES) for start in range(0, len(days.values), PERSISTENCE_SERIES)]
    if not chunks:
        return np.zeros_like(days.values)
    return np.concatenate([persistence_days(days.of(chunk), members[:, chunk]) for chunk in chunks])
