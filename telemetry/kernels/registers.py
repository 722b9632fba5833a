"""Meter registers, which only ever count up, to the energy between two of their readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn, ReadingBatch, batch_of
from telemetry.kernels.quality import Quality, Refusal

LARGEST_KW = 1_000.0  # of a device without a rating: more over the interval is no roll-over but a reset
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


@dataclass(frozen=True)
class Showings:
    """n times at which a register was read. All arrays (n,).

    codes : device codes, `device` points into them. register_kwh : negative where it counts production.
    row : position in the message or file; refused : rows that could not even be read, with their reason.
    """

    codes: Sequence[str]
    device: IntColumn
    time_us: IntColumn
    register_kwh: FloatColumn
    row: IntColumn
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return int(self.time_us.size)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Showings:
        columns = ("device", "time_us", "register_kwh", "row")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    def by_device(self) -> Showings:
        """Ordered by (device, time)."""
        return self.take(np.lexsort((self.time_us, self.device)))


def batch_of_registers(
    showings: Showings, largest_kw: FloatColumn | None = None, breaks_us: Sequence[IntColumn] = ()
) -> ReadingBatch:
    """A reading from each showing to the next of the same device, its row that of the showing at its end.

    largest_kw : (D,) what each device may draw or feed, NaN or None where unknown.
    breaks_us  : (D,) each; what flowed from one showing to the next is not looked at where one lies between them.

    A register that counts production (`register_kwh` <= 0) is read by its magnitude. An interval with a reset is
    refused, at the row that shows it; one with a roll-over is flagged. A showing without a number is left out.
    """
    given = showings.take(~np.isnan(showings.register_kwh)).by_device()
    device, time_us, register_kwh = given.device, given.time_us, given.register_kwh
    follows = (np.diff(device) == 0) & (np.diff(time_us) > 0)
    for break_us in breaks_us:
        follows &= ~((time_us[:-1] < break_us[device[1:]]) & (break_us[device[1:]] <= time_us[1:]))
    first = np.flatnonzero(follows)
    energy_kwh, rolled = np.empty(0), np.empty(0, dtype=bool)
    if given.size > 1:
        largest = np.full(given.size, LARGEST_KW) if largest_kw is None else largest_kw[device]
        largest = np.where(np.isnan(largest), LARGEST_KW, largest)
        energy_kwh, rolled = energy_between(np.abs(register_kwh), time_us, largest)
        energy_kwh = energy_kwh * np.where((register_kwh[:-1] < 0) | (register_kwh[1:] < 0), -1.0, 1.0)
    energy_kwh, rolled, end = energy_kwh[first], rolled[first], first + 1
    known = ~np.isnan(energy_kwh)
    hours = (time_us[end] - time_us[first]) / HOUR_US
    return batch_of(
        codes=showings.codes,
        device=device[first][known],
        time_us=time_us[first][known],
        power_kw=(energy_kwh / hours)[known],
        energy_kwh=energy_kwh[known],
        row=given.row[end][known],
        quality=np.where(rolled[known], np.int16(Quality.ROLLED_OVER), np.int16(0)),
        refused=showings.refused + [(int(row), Refusal.REGISTER_RESET) for row in given.row[end][~known]],
    )
