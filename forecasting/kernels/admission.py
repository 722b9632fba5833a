"""Which regressors a class of series may see: those whose anomaly goes with its error, and that then make it smaller.

A weather of another year goes with nothing; what passes by chance is found out by forecasts of the last weeks with and
without it.
"""

import numpy as np

from forecasting.kernels.arrays import Floats
from forecasting.kernels.load_kernel import with_habits, without_habits
from forecasting.kernels.naive import WARM_DAYS, Days, blend_days, lagged
from forecasting.kernels.responses import response_days

LEAST_CORRELATED = 2.5  # in units of what chance gives
JUDGED_DAYS = 42
LEAST_GAIN = 0.005


def answering(
    days: Days, members: Floats, blend: Floats, level_kw: Floats, outside: Floats
) -> tuple[Floats, Floats, Floats]:
    """Columns (K', D, S) for the trees, members (M', N, D, S) and blend (N, D, S), with what the class answers to.

    outside (K, D, S) complete. Without admitted regressors members and blend come back as they were.
    """
    nothing = np.zeros((0, *blend.shape[1:]), np.float32)
    past = slice(min(WARM_DAYS + 4, days.issue_day), days.issue_day)
    if not len(outside) or past.stop - past.start < 14:
        return nothing, members, blend
    error = ((days.values[:, past] - blend[:, past]) / level_kw[:, None, None]).mean(axis=0)
    kept = [column for column in outside if _goes_with((column - lagged_mean(column, days.lead))[past], error)]
    if not kept:
        return nothing, members, blend
    richer = with_answers(days, members, np.stack(kept), habits=bool(days.types.any()))
    answered = blend_days(days, richer)
    recent = slice(max(past.start, past.stop - JUDGED_DAYS), past.stop)
    without, with_them = (
        (np.abs(one - days.values)[:, recent] * days.seen[:, recent] / level_kw[:, None, None]).sum()
        for one in (blend, answered)
    )
    if with_them > (1 - LEAST_GAIN) * without:
        return nothing, members, blend
    return regressors(np.stack(kept), days.lead), richer, answered


def with_answers(days: Days, members: Floats, columns: Floats, *, habits: bool) -> Floats:
    """members (M, N, D, S) and what the series answer to columns (K, D, S).

    habits : members end with the process of loads, which is made anew and sees the columns too.
    """
    responses = response_days(days, columns)
    if not habits:
        return np.concatenate([members, responses])
    return with_habits(days, np.concatenate([without_habits(members), responses]), columns)


def regressors(columns: Floats, lead: int) -> Floats:
    """(5 K, D, S): each column, its deviation from the week before, both of its day mean, and itself two hours ago."""
    parts: list[Floats] = []
    for column in columns:
        week = lagged_mean(column, lead)
        day_mean, week_mean = column.mean(axis=1, keepdims=True), week.mean(axis=1, keepdims=True)
        earlier = np.roll(column, column.shape[1] // 12, axis=1)
        found = (column, column - week, day_mean, day_mean - week_mean, earlier)
        parts += [np.broadcast_to(part, column.shape) for part in found]
    return np.array(parts, dtype=np.float32) if parts else np.zeros((0, *columns.shape[1:]), np.float32)


def lagged_mean(column: Floats, lead: int) -> Floats:
    """(D, S) mean of the same slot over the seven days known at each day's issue."""
    stacked = [lagged(column[None], lag)[0] for lag in range(lead + 1, lead + 8)]
    return np.asarray(np.mean(stacked, axis=0))


def _goes_with(anomaly: Floats, error: Floats) -> bool:
    """Daily anomalies correlate more than chance would have it, in the whole span or in a newer part of it.

    Warmth adds load in one season and saves it in another, so that over a year the two may cancel.
    """
    n_days = len(error)
    ours, theirs = error.mean(axis=1), anomaly.mean(axis=1)
    return any(_correlated(ours[start:], theirs[start:]) for start in (0, n_days // 2, 3 * n_days // 4))


def _correlated(ours: Floats, theirs: Floats) -> bool:
    if len(ours) < 14 or ours.std() <= 0 or theirs.std() <= 0:
        return False
    return bool(abs(np.corrcoef(ours, theirs)[0, 1]) > LEAST_CORRELATED / np.sqrt(len(ours)))
