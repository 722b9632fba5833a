"""Judgement of a batch: which readings are nonsense and refused, which are doubtful and flagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn, ReadingBatch
from telemetry.kernels.quality import Quality, Refusal

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
CLOCK_SKEW_US = 300 * SECOND_US  # a gateway's clock may run this far ahead
NONSENSE_FACTOR = 2.0  # beyond twice the rating no meter of that connection can read
FLAG_FACTOR = 1.1
STANDBY_PU = 0.05  # a pure producer may draw, a pure consumer may feed back, this share of its rating
STANDBY_KW = 0.05
LARGEST_KW = 1e7  # ten gigawatt: no single device, whatever its rating says


@dataclass(frozen=True)
class Ratings:
    """Per known device: database id and what it may draw and feed.

    device_id          : (D,) id, or -1 for a device that the sender may not write to.
    max_consumption_kw : (D,) >= 0;  max_production_kw : (D,) >= 0. Both 0 means that no rating is known.
    energy_capacity_kwh: (D,) 0 for a device without storage.
    not_agreed         : pairs of (D,) instants in microseconds: in [begin, end) the owner's consent was withdrawn; as
                         many pairs as the device with most of them has, a begin and end of 0 where one has fewer.
    """

    device_id: IntColumn
    max_consumption_kw: FloatColumn
    max_production_kw: FloatColumn
    energy_capacity_kwh: FloatColumn
    not_agreed: Sequence[tuple[IntColumn, IntColumn]] = ()

    def withdrawn(self, device: IntColumn, time_us: IntColumn) -> NDArray[np.bool_]:
        """(n,) True where the owner of the device did not agree to being measured at that instant."""
        found = np.zeros(time_us.size, dtype=bool)
        for begin_us, end_us in self.not_agreed:
            found |= (time_us >= begin_us[device]) & (time_us < end_us[device])
        return found

    def bounds_kw(self) -> tuple[FloatColumn, FloatColumn]:
        """(D,) lowest and highest power that the rating explains; infinite where no rating is known."""
        largest = np.maximum(self.max_consumption_kw, self.max_production_kw)
        standby = STANDBY_PU * largest + STANDBY_KW
        lowest = np.where(largest > 0, -np.maximum(self.max_production_kw, standby), -np.inf)
        highest = np.where(largest > 0, np.maximum(self.max_consumption_kw, standby), np.inf)
        return lowest, highest


@dataclass(frozen=True)
class Judgement:
    """reason : (n,) index into `reasons`, -1 where kept; quality : (n,) flags; device_id : (n,), -1 if unknown."""

    reason: NDArray[np.int8]
    quality: NDArray[np.int16]
    device_id: IntColumn

    reasons = (
        Refusal.UNKNOWN_DEVICE,
        Refusal.NOT_A_NUMBER,
        Refusal.INFINITE,
        Refusal.AHEAD_OF_CLOCK,
        Refusal.TOO_OLD,
        Refusal.UNALIGNED,
        Refusal.CONSENT_WITHDRAWN,
        Refusal.ABOVE_RATING,
    )

    @property
    def kept(self) -> NDArray[np.bool_]:
        return self.reason < 0

    def refusals(self, row: IntColumn) -> list[tuple[int, str]]:
        """(position in the message, reason) of each refused reading."""
        places = np.flatnonzero(self.reason >= 0)
        return [(int(row[place]), self.reasons[self.reason[place]]) for place in places]


def judge(batch: ReadingBatch, ratings: Ratings, *, at_us: int, max_age_days: int | None) -> Judgement:
    """Judge n readings at moment `at_us` (microseconds since 1970).

    The first reason that applies is given, in the order of `Judgement.reasons`. NaN in power is refused; NaN in the
    other columns means that the value was not given. An infinity in any column is refused. `max_age_days=None` takes
    any age.
    """
    lowest_kw, highest_kw = (bound[batch.device] for bound in ratings.bounds_kw())
    device_id = ratings.device_id[batch.device]
    power_kw = batch.power_kw
    infinite = np.isinf(power_kw) | np.isinf(batch.energy_kwh) | np.isinf(batch.soc_kwh) | np.isinf(batch.voltage_pu)
    oldest_us = np.iinfo(np.int64).min if max_age_days is None else at_us - max_age_days * DAY_US
    findings = (
        device_id < 0,
        np.isnan(power_kw),
        infinite,
        batch.time_us > at_us + CLOCK_SKEW_US,
        batch.time_us < oldest_us,
        batch.time_us % SECOND_US != 0,
        ratings.withdrawn(batch.device, batch.time_us),
        _outside(power_kw, NONSENSE_FACTOR * lowest_kw, NONSENSE_FACTOR * highest_kw) | _beyond_any_device(batch),
    )
    reason = np.full(batch.size, -1, dtype=np.int8)
    for place in range(len(findings) - 1, -1, -1):
        reason[findings[place]] = place
    quality = batch.quality.copy()
    quality[_outside(power_kw, FLAG_FACTOR * lowest_kw, FLAG_FACTOR * highest_kw)] |= Quality.ABOVE_RATING
    quality[np.sign(batch.energy_kwh) * np.sign(power_kw) < 0] |= Quality.ENERGY_MISMATCH
    quality[batch.soc_kwh > FLAG_FACTOR * ratings.energy_capacity_kwh[batch.device]] |= Quality.SOC_OUT_OF_RANGE
    return Judgement(reason=reason, quality=quality, device_id=device_id)


def _outside(values: FloatColumn, lowest: FloatColumn, highest: FloatColumn) -> NDArray[np.bool_]:
    return (values > highest) | (values < lowest)


def _beyond_any_device(batch: ReadingBatch) -> NDArray[np.bool_]:
    """(n,) values that no device can report, with or without a known rating."""
    beyond = np.abs(batch.power_kw) > LARGEST_KW
    beyond |= np.abs(batch.energy_kwh) > LARGEST_KW * 24
    beyond |= (batch.soc_kwh < 0) | (batch.soc_kwh > LARGEST_KW * 24)
    return beyond | (batch.voltage_pu < 0) | (batch.voltage_pu > 10)
