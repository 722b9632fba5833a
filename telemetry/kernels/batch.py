"""A batch of readings as numpy columns: the one form in which readings travel inside this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]
BoolColumn = NDArray[np.bool_]

MOST_TURNS = 8
VALUE_COLUMNS = ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu")


def absent(count: int) -> FloatColumn:
    """(count,) NaN: a value that the sender did not give."""
    return np.full(count, np.nan)


@dataclass(frozen=True)
class ReadingBatch:
    """n readings, each one device at one instant.

    codes        : distinct device codes; `device` points into them.
    device       : (n,) index into `codes`.
    time_us      : (n,) instant, microseconds since 1970-01-01 UTC; the start of the interval that a mean covers.
    power_kw     : (n,) mean power, consumption positive, production negative.
    energy_kwh   : (n,) energy of the reading's interval, same sign; NaN where not given.
    soc_kwh      : (n,) energy content of a storage, >= 0; NaN where not given.
    voltage_pu   : (n,) voltage over nominal; NaN where not given.
    correction   : (n,) the sender says that it replaces an earlier reading of the same device and instant.
    row          : (n,) position in the sender's message, for refusals.
    quality      : (n,) flags that the way in raised.
    refused      : rows that could not even be read, with their reason.
    """

    codes: Sequence[str]
    device: IntColumn
    time_us: IntColumn
    power_kw: FloatColumn
    energy_kwh: FloatColumn
    soc_kwh: FloatColumn
    voltage_pu: FloatColumn
    correction: BoolColumn
    row: IntColumn
    quality: NDArray[np.int16]
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return int(self.time_us.size)


def batch_of(
    *,
    codes: Sequence[str],
    device: IntColumn,
    time_us: IntColumn,
    power_kw: FloatColumn,
    energy_kwh: FloatColumn | None = None,
    soc_kwh: FloatColumn | None = None,
    voltage_pu: FloatColumn | None = None,
    correction: BoolColumn | bool = False,
    row: IntColumn | None = None,
    quality: NDArray[np.int16] | None = None,
    refused: list[tuple[int, str]] | None = None,
) -> ReadingBatch:
    """A batch with the columns that were not given filled in; ValueError if the lengths disagree."""
    count = int(time_us.size)
    given = {
        "device": device,
        "power_kw": power_kw,
        "energy_kwh": energy_kwh,
        "soc_kwh": soc_kwh,
        "voltage_pu": voltage_pu,
    }
    for name, column in given.items():
        if column is not None and column.shape != (count,):
            raise ValueError(f"{name} has {column.size} values, time has {count}")
    return ReadingBatch(
        codes=codes,
        device=np.asarray(device, dtype=np.int64),
        time_us=np.asarray(time_us, dtype=np.int64),
        power_kw=np.asarray(power_kw, dtype=np.float64),
        energy_kwh=absent(count) if energy_kwh is None else np.asarray(energy_kwh, dtype=np.float64),
        soc_kwh=absent(count) if soc_kwh is None else np.asarray(soc_kwh, dtype=np.float64),
        voltage_pu=absent(count) if voltage_pu is None else np.asarray(voltage_pu, dtype=np.float64),
        correction=np.full(count, correction)
        if isinstance(correction, bool)
        else np.asarray(correction, dtype=np.bool_),
        row=np.arange(count, dtype=np.int64) if row is None else np.asarray(row, dtype=np.int64),
        quality=np.zeros(count, dtype=np.int16) if quality is None else quality,
        refused=[] if refused is None else list(refused),
    )


def index_codes(codes: Sequence[str]) -> tuple[list[str], IntColumn]:
    """Distinct codes in order of appearance and the (n,) index of each code in them."""
    places: dict[str, int] = dict.fromkeys(codes, 0)
    if len(places) == len(codes):
        return list(codes), np.arange(len(codes), dtype=np.int64)
    places = {}
    index = np.fromiter((places.setdefault(code, len(places)) for code in codes), dtype=np.int64, count=len(codes))
    return list(places), index


def in_turn(batch: ReadingBatch) -> list[ReadingBatch]:
    """The batch in parts that hold each device and instant once: of several readings of one, each meets what the one
    before it has left. One part, unless messages of different moments were put together.

    A message that corrects one which came just before it is a correction, not a contradiction within one message.
    Beyond MOST_TURNS of one key the rest stays together.
    """
    order = np.lexsort((batch.time_us, batch.device))  # stable: arrivals of one key stay in their order
    same = np.zeros(batch.size, dtype=bool)
    same[1:] = (np.diff(batch.device[order]) == 0) & (np.diff(batch.time_us[order]) == 0)
    if not same.any():
        return [batch]
    first = np.flatnonzero(~same)
    turn = np.empty(batch.size, dtype=np.int64)
    turn[order] = np.arange(batch.size) - np.repeat(first, np.diff(np.append(first, batch.size)))
    turn = np.minimum(turn, MOST_TURNS - 1)
    return [rows_of(batch, np.flatnonzero(turn == each), refused=each == 0) for each in range(int(turn.max()) + 1)]


def rows_of(batch: ReadingBatch, rows: NDArray[np.intp], *, refused: bool) -> ReadingBatch:
    """Some rows of a batch, with or without those that could not be read."""
    columns = ("device", "time_us", "correction", "row", "quality", *VALUE_COLUMNS)
    taken = {name: getattr(batch, name)[rows] for name in columns}
    return replace(batch, **taken, refused=batch.refused if refused else [])
