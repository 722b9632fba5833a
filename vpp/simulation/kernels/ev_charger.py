"""EV chargers: sessions with arrival, departure and needed energy, read off a charging profile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DEFAULT_SLACK_INTERVALS = 8


@dataclass(frozen=True)
class ChargingSessions:
    """Per device and interval, arrays (N, H).

    session         : number of the session the car is plugged in for, -1 while nobody is plugged in.
    departure_index : first interval after the session (0 while unplugged).
    needed_kwh      : energy the session must have been given at departure.
    ahead_kwh       : energy the profile still has for the session, this interval included.
    """

    profile_kw: Floats
    session: Ints
    departure_index: Ints
    needed_kwh: Floats
    ahead_kwh: Floats


@dataclass(frozen=True)
class ChargerState:
    """session (N,) of the last step, charged_kwh (N,) within it."""

    session: Ints
    charged_kwh: Floats


def no_session(n: int) -> ChargerState:
    return ChargerState(np.full(n, -1, dtype=np.int64), np.zeros(n))


def sessions_from_profile(
    profile_kw: Floats, step_hours: float, slack_intervals: int = DEFAULT_SLACK_INTERVALS
) -> ChargingSessions:
    """A session is a run of consumption; the car stays for `slack_intervals` after it, at most until the next one.

    profile_kw : (N, H) kW, not negative.
    """
    n, h = profile_kw.shape
    session = np.full((n, h), -1, dtype=np.int64)
    departure_index = np.zeros((n, h), dtype=np.int64)
    needed_kwh, ahead_kwh = np.zeros((n, h)), np.zeros((n, h))
    charging = np.zeros((n, h + 2), dtype=np.int8)
    charging[:, 1:-1] = profile_kw > 0.0
    edges = np.diff(charging, axis=1)
    rows, starts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    next_starts = np.where(np.append(rows[1:] == rows[:-1], False), np.append(starts[1:], h), h)
    departures = np.minimum(np.minimum(ends + slack_intervals, next_starts), h)
    for number, (row, start, departure) in enumerate(zip(rows, starts, departures, strict=True)):
        session[row, start:departure] = number
        departure_index[row, start:departure] = departure
        still_kwh = profile_kw[row, start:departure][::-1].cumsum()[::-1] * step_hours
        ahead_kwh[row, start:departure] = still_kwh
        needed_kwh[row, start:departure] = still_kwh[0]
    return ChargingSessions(profile_kw, session, departure_index, needed_kwh, ahead_kwh)


def limits_kw(
    index: int, state: ChargerState, sessions: ChargingSessions, max_consumption_kw: Floats, step_hours: float
) -> tuple[Floats, Floats, Floats]:
    """Least and most power, and the charger's own choice, each (N,) in kW, for interval `index`.

    Least: so much that full power later still reaches the needed energy by departure. Most: until the need is met.
    Its own choice: the profile, plus an even share of what was postponed.
    """
    remaining_kwh, left = _remaining(index, state, sessions)
    most_kw = np.minimum(max_consumption_kw, remaining_kwh / step_hours)
    least_kw = np.clip(remaining_kwh / step_hours - max_consumption_kw * np.maximum(left - 1, 0), 0.0, most_kw)
    profile_kw = sessions.profile_kw[:, index]
    postponed_kwh = np.maximum(remaining_kwh - sessions.ahead_kwh[:, index], 0.0)
    own_kw = profile_kw + np.where(left > 0, postponed_kwh / (np.maximum(left, 1) * step_hours), 0.0)
    return least_kw, most_kw, np.clip(own_kw, least_kw, most_kw)


def postponable_kwh(
    index: int, state: ChargerState, sessions: ChargingSessions, max_consumption_kw: Floats, step_hours: float
) -> Floats:
    """Energy (N,) in kWh by which interval `index` may stay below the charger's own choice; 0 while unplugged."""
    least_kw, _, own_kw = limits_kw(index, state, sessions, max_consumption_kw, step_hours)
    return np.maximum(own_kw - least_kw, 0.0) * step_hours


def step_chargers(
    index: int,
    target_kw: Floats,
    state: ChargerState,
    sessions: ChargingSessions,
    max_consumption_kw: Floats,
    step_hours: float,
) -> tuple[Floats, ChargerState]:
    """Consumption (N,) in kW over interval `index`, and the state after it. NaN target is no setpoint.

    A setpoint postpones or advances energy inside the session, never past what the departure needs.
    """
    least_kw, most_kw, own_kw = limits_kw(index, state, sessions, max_consumption_kw, step_hours)
    power_kw = np.clip(np.where(np.isnan(target_kw), own_kw, target_kw), least_kw, most_kw)
    session = sessions.session[:, index]
    before_kwh = np.where(session == state.session, state.charged_kwh, 0.0)
    return power_kw, ChargerState(session, np.where(session >= 0, before_kwh + power_kw * step_hours, 0.0))


def _remaining(index: int, state: ChargerState, sessions: ChargingSessions) -> tuple[Floats, Ints]:
    """Energy (N,) in kWh still needed at the start of interval `index`, and the intervals left including it."""
    session = sessions.session[:, index]
    charged_kwh = np.where(session == state.session, state.charged_kwh, 0.0)
    remaining_kwh = np.maximum(sessions.needed_kwh[:, index] - charged_kwh, 0.0)
    left = np.where(session >= 0, sessions.departure_index[:, index] - index, 0)
    return np.where(session >= 0, remaining_kwh, 0.0), left
