"""Showings of registers to readings: each showing meets the one before it, wherever that came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from telemetry.kernels.batch import IntColumn, ReadingBatch, batch_of
from telemetry.kernels.judge import Ratings, judge
from telemetry.kernels.quality import Refusal
from telemetry.kernels.registers import Showings, batch_of_registers
from telemetry.storage import registers as storage

Newest: TypeAlias = dict[int, tuple[int, float]]


@dataclass(frozen=True)
class Taken:
    """`batch` : the readings that new showings complete, their rows those of the showing at the end of each interval.

    fresh : how many showings are new; duplicates : how many were known; refused : (row, reason).
    """

    batch: ReadingBatch
    fresh: int
    duplicates: int
    refused: list[tuple[int, str]]


def take(showings: Showings, ratings: Ratings, *, at_us: int, max_age_days: int | None) -> Taken:
    """Store new showings, inside the caller's transaction.

    A showing older than a device's newest is refused unless it is known: a reading was already made across it.
    """
    judgement = judge(_as_batch(showings), ratings, at_us=at_us, max_age_days=max_age_days)
    refused = showings.refused + judgement.refusals(showings.row)
    kept = replace(showings, refused=[]).take(np.flatnonzero(judgement.kept)).by_device()
    if not kept.size:
        return Taken(batch_of_registers(kept, None), 0, 0, refused)
    device_id = ratings.device_id[kept.device]
    storage.lock(device_id)
    newest, sorted_out = _sort_out(kept, device_id)
    new = kept.take(np.array(sorted_out.fresh, dtype=np.int64))
    new_id = ratings.device_id[new.device]
    storage.add(new_id, new.time_us, new.register_kwh, at_us)
    withdrawn_us = [begin_us for begin_us, _ in ratings.not_agreed]
    batch = batch_of_registers(_with_bases(new, new_id.tolist(), newest), _largest_kw(ratings), withdrawn_us)
    refused = sorted(refused + sorted_out.refused + batch.refused)
    return Taken(replace(batch, refused=[]), new.size, sorted_out.duplicates, refused)


@dataclass
class SortedOut:
    """Places of showings that are new, how many are known, and (row, reason) of the refused."""

    fresh: list[int] = field(default_factory=list)
    duplicates: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def _sort_out(kept: Showings, device_id: IntColumn) -> tuple[Newest, SortedOut]:
    """Each device's newest known showing (instant, register), and what the showings are beside what is known."""
    known = storage.known(device_id, int(kept.time_us.min()))
    columns = (known[name].tolist() for name in ("device_id", "time_us", "register_kwh"))
    at = {(device, time_us): value for device, time_us, value in zip(*columns, strict=True)}
    newest = {device: (time_us, value) for (device, time_us), value in at.items()}
    found = SortedOut()
    rows = zip(device_id.tolist(), kept.time_us.tolist(), kept.register_kwh.tolist(), kept.row.tolist(), strict=True)
    for place, (device, time_us, value, row) in enumerate(rows):
        if (device, time_us) in at:
            if at[device, time_us] == value:
                found.duplicates += 1
            else:
                found.refused.append((row, Refusal.CONFLICT))
        elif device in newest and time_us < newest[device][0]:
            found.refused.append((row, Refusal.REGISTER_LATE))
        else:
            found.fresh.append(place)
            at[device, time_us] = value
    return newest, found


def _with_bases(new: Showings, device_ids: list[int], newest: Newest) -> Showings:
    """Each device's newest known showing before its new ones."""
    first = {device_id: place for place, device_id in reversed(list(enumerate(device_ids)))}
    bases = [(int(new.device[place]), *newest[each]) for each, place in first.items() if each in newest]
    return replace(
        new,
        device=np.append(new.device, np.array([device for device, _, _ in bases], dtype=np.int64)),
        time_us=np.append(new.time_us, np.array([time_us for _, time_us, _ in bases], dtype=np.int64)),
        register_kwh=np.append(new.register_kwh, np.array([value for _, _, value in bases], dtype=np.float64)),
        row=np.append(new.row, np.full(len(bases), -1, dtype=np.int64)),
    )


def _largest_kw(ratings: Ratings) -> np.ndarray:
    """(D,) what the device may draw or feed; NaN where no rating is known."""
    largest = np.maximum(ratings.max_consumption_kw, ratings.max_production_kw)
    return np.where(largest > 0, largest, np.nan)


def _as_batch(showings: Showings) -> ReadingBatch:
    """To be judged by instant and device: the power is not known yet, only whether there is a number."""
    finite = np.isfinite(showings.register_kwh)
    power_kw = np.where(finite, 0.0, showings.register_kwh)
    return batch_of(
        codes=showings.codes, device=showings.device, time_us=showings.time_us, power_kw=power_kw, row=showings.row
    )
