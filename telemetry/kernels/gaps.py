"""Filling gaps for operations. What is put in is marked, never stored, and never reaches a settlement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn

SHORT_GAP = 4  # quarter hours


def fill_gaps(power_kw: FloatColumn, days_before: FloatColumn) -> tuple[FloatColumn, NDArray[np.bool_]]:
    """(N, T) power with gaps filled, and (N, T) True where a value was put in.

    power_kw    : (N, T) quarter hours, NaN where missing.
    days_before : (D, N, T) the same quarter hours one, two, ... D days (of 96) earlier, NaN where missing.

    Up to an hour between two measured values: on the straight line between them. Longer, or at an end: the same quarter
    hour of the nearest day before that has it. What neither rule reaches stays NaN.
    """
    filled = power_kw.copy()
    for row in range(power_kw.shape[0]):
        _fill_short(filled[row])
    for day in days_before:
        missing = np.isnan(filled)
        filled[missing] = day[missing]
    return filled, np.isnan(power_kw) & ~np.isnan(filled)


def _fill_short(series_kw: FloatColumn) -> None:
    known = np.flatnonzero(~np.isnan(series_kw))
    for left, right in zip(known[:-1].tolist(), known[1:].tolist(), strict=True):
        if 1 < right - left <= SHORT_GAP + 1:
            inside = np.arange(left + 1, right)
            series_kw[inside] = np.interp(inside, (left, right), (series_kw[left], series_kw[right]))
