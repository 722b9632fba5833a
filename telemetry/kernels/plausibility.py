"""What only the neighbours of a reading can tell: impossible steps and stuck values.

Judged on a whole UTC day of a device, whenever that day is packed: a function of what is stored, whatever the order in
which it arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn
from telemetry.kernels.judge import FLAG_FACTOR, STANDBY_KW, STANDBY_PU
from telemetry.kernels.quality import Quality
from telemetry.kernels.readings import Readings

MINUTE_US = 60_000_000
STUCK_US = 6 * 60 * MINUTE_US
NEIGHBOUR_FLAGS = Quality.IMPOSSIBLE_STEP | Quality.STUCK


@dataclass(frozen=True)
class Limits:
    """Per reading, all (n,): `range_kw` rated consumption plus production, 0 where unknown; `ramp_kw_per_minute`
    infinite where unknown; `is_pv`."""

    range_kw: FloatColumn
    ramp_kw_per_minute: FloatColumn
    is_pv: NDArray[np.bool_]


def neighbour_flags(readings: Readings, limits: Limits) -> NDArray[np.int16]:
    """(n,) IMPOSSIBLE_STEP and STUCK of readings that are ordered by (device, time).

    Step: the change since the reading before is more than the ramp allows in that time, or more than the whole range,
    with a tenth to spare; the reading after the step is flagged. Stuck: a power that is not zero and does not change at
    all from one reading to the next for six hours or longer; for PV only beyond what the inverter draws at night.
    """
    flags = np.zeros(readings.size, dtype=np.int16)
    if readings.size < 2:
        return flags
    follows = ~_starts(readings)
    change_kw = np.abs(np.diff(readings.power_kw, prepend=readings.power_kw[0]))
    minutes = np.diff(readings.time_us, prepend=readings.time_us[0]) / MINUTE_US
    with np.errstate(invalid="ignore"):  # an unknown ramp times no time
        reach_kw = np.minimum(
            np.where(limits.range_kw > 0, limits.range_kw, np.inf), limits.ramp_kw_per_minute * np.maximum(minutes, 1)
        )
    flags[follows & (change_kw > FLAG_FACTOR * reach_kw + STANDBY_KW)] |= Quality.IMPOSSIBLE_STEP
    flags[_stuck(readings, limits, follows & (change_kw == 0))] |= Quality.STUCK
    return flags


def _starts(readings: Readings) -> NDArray[np.bool_]:
    """(n,) True at the first reading of each device-day."""
    day = readings.day
    starts = readings.device_runs()
    starts[1:] |= day[1:] != day[:-1]
    return starts


def _stuck(readings: Readings, limits: Limits, same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    first = np.flatnonzero(~same)
    run = np.cumsum(~same) - 1
    last = np.append(first[1:], readings.size) - 1
    span_us = readings.time_us[last] - readings.time_us[first]
    at_rest_kw = np.where(limits.is_pv, STANDBY_PU * limits.range_kw + STANDBY_KW, 0.0)
    moving = np.abs(readings.power_kw) > at_rest_kw
    return (span_us >= STUCK_US)[run] & moving
