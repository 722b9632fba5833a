"""Files that hold what a meter's register showed: the energy between two showings makes a reading."""

from __future__ import annotations

import numpy as np

from telemetry.kernels.batch import FloatColumn, IntColumn, ReadingBatch, batch_of
from telemetry.kernels.quality import Quality, Refusal
from telemetry.kernels.registers import HOUR_US, energy_between

LARGEST_KW = 1_000.0  # more than this over the interval is no roll-over but a reset; the rating bounds it further


def batch_of_registers(
    codes: list[str], device: IntColumn, time_us: IntColumn, row: IntColumn, register_kwh: FloatColumn
) -> ReadingBatch:
    """A reading from each showing to the next of the same device, all (n,) in the order of the file.

    A falling register is read by its magnitude where the sender counts production as negative (`register_kwh` <= 0).
    An interval with a reset is refused, at the row that shows it; one with a roll-over is flagged.
    """
    order = np.lexsort((time_us, device))
    device, time_us, row, register_kwh = device[order], time_us[order], row[order], register_kwh[order]
    given = ~np.isnan(register_kwh)
    device, time_us, row, register_kwh = device[given], time_us[given], row[given], register_kwh[given]
    sign = np.where(register_kwh < 0, -1.0, 1.0)
    follows = np.append(device[1:] == device[:-1], False)
    first = np.flatnonzero(follows & np.append(np.diff(time_us) > 0, False))
    energy_kwh, rolled = np.full(device.size, np.nan), np.zeros(device.size, dtype=bool)
    if device.size:
        largest = np.full(device.size, LARGEST_KW)
        energy_kwh[:-1], rolled[:-1] = energy_between(np.abs(register_kwh), time_us, largest)
    hours = np.append(np.diff(time_us), 1) / HOUR_US
    energy_kwh *= np.where(np.append(register_kwh[1:] < 0, False), -1.0, sign)
    reset = np.isnan(energy_kwh[first])
    kept = first[~reset]
    return batch_of(
        codes=codes,
        device=device[kept],
        time_us=time_us[kept],
        power_kw=energy_kwh[kept] / hours[kept],
        energy_kwh=energy_kwh[kept],
        row=row[kept],
        quality=np.where(rolled[kept], np.int16(Quality.ROLLED_OVER), np.int16(0)),
        refused=[(int(place), Refusal.REGISTER_RESET) for place in row[first[reset] + 1]],
    )
