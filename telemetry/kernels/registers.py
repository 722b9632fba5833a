"""Meter registers, which only ever count up, to the energy between two of their readings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn

HOUR_US = 3_600_000_000
FEWEST_DIGITS, MOST_DIGITS = 4, 9  # kWh digits before the point of meters in use


def energy_between(
    register_kwh: FloatColumn, time_us: IntColumn, largest_kw: FloatColumn
) -> tuple[FloatColumn, NDArray[np.bool_]]:
    """Energy in kWh of the interval that starts at each reading but the last, and where the register rolled over.

    register_kwh : (n,) of one device, rising in time; time_us : (n,); largest_kw : (n,) or a scalar, what the device
    may draw. Returns (n-1,) energy, NaN for an interval in which the register was reset, and (n-1,) True for a
    roll-over.

    A register that falls has rolled over if, with the fewest digits that hold the old value, it passed its end with no
    more energy than `largest_kw` explains in that time (with a tenth to spare); else it was reset, and what flowed is
    unknown. A rise beyond that is left to the bounds of the power that it makes.
    """
    step_kwh = np.diff(register_kwh)
    hours = np.diff(time_us) / HOUR_US
    digits = np.clip(np.floor(np.log10(np.maximum(register_kwh[:-1], 1.0))) + 1, FEWEST_DIGITS, MOST_DIGITS)
    rolled_kwh = step_kwh + 10.0**digits
    fell = step_kwh < 0
    explained = rolled_kwh <= 1.1 * np.broadcast_to(largest_kw, register_kwh.shape)[:-1] * hours
    energy_kwh = np.where(fell, np.where(explained, rolled_kwh, np.nan), step_kwh)
    return energy_kwh, fell & explained
