"""Reading the fields of a baseline question, and writing numbers back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.grid import Series
from vpp.settlement.kernels.profiles import Window

DECIMALS = 6  # settlement rules, section 0: a baseline is stored at 1e-6 kWh


class QuestionError(ValueError):
    """The question cannot be read; the message names the field."""


def series(question: Mapping[str, Any]) -> tuple[Series, FloatArray]:
    """The series' frame and its values."""
    minutes = float(question["interval_minutes"])
    if minutes <= 0:
        raise QuestionError("interval_minutes is not positive")
    values = floats(question["values"], None, "values")
    return Series(as_datetime64(moment(question, "series_start")), round(minutes * 60), values.size), values


def floats(row: Sequence[float | None], size: int | None, field: str) -> FloatArray:
    """A JSON list of numbers with null for missing; `size` is what the list must have, None for any."""
    if not isinstance(row, Sequence) or isinstance(row, str):
        raise QuestionError(f"{field} is not a list of numbers")
    numbers = np.array([np.nan if value is None else float(value) for value in row], dtype=np.float64)
    if size is not None and numbers.size != size:
        raise QuestionError(f"{field} has {numbers.size} values, the series {size}")
    if np.isinf(numbers).any():
        raise QuestionError(f"{field} has an infinite value")
    return numbers


def scheduled_kwh(params: Mapping[str, Any], series: Series) -> FloatArray:
    """A schedule per interval, or a constant in kWh per interval or in kW."""
    if "schedule_kwh" in params:
        return floats(params["schedule_kwh"], None, "schedule_kwh")
    if "constant_kwh" in params:
        return np.array([float(params["constant_kwh"])])
    return np.array([float(params["constant_kw"]) * series.step_s / 3600])


def windows(windows: Sequence[Mapping[str, Any]]) -> tuple[Window, ...]:
    """Windows from [{side, from_h, hours}]."""
    return tuple(Window(str(one["side"]), float(one["from_h"]), float(one["hours"])) for one in windows)


def moment(holder: Mapping[str, Any], field: str) -> datetime:
    """A moment of the form; without an offset it is UTC."""
    moment = datetime.fromisoformat(str(holder[field]))
    if moment.tzinfo is None:  # the form says UTC
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def pairs(pairs: Sequence[Any]) -> tuple[tuple[datetime, datetime], ...]:
    """[[start, end]] or [{start, end}] in UTC."""
    named = [pair if isinstance(pair, Mapping) else {"start": pair[0], "end": pair[1]} for pair in pairs]
    return tuple((moment(pair, "start"), moment(pair, "end")) for pair in named)


def dates(question: Mapping[str, Any], field: str) -> frozenset[date]:
    """A list of local ISO dates."""
    return frozenset(date.fromisoformat(day) for day in question.get(field) or ())


def zone(question: Mapping[str, Any]) -> ZoneInfo:
    """The IANA zone of `tz`."""
    try:
        return ZoneInfo(str(question["tz"]))
    except ZoneInfoNotFoundError as error:
        raise QuestionError(f"tz {question['tz']!r} is not an IANA zone") from error


def number(value: float, decimals: int) -> float | None:
    """A rounded number, null for NaN."""
    return None if np.isnan(value) else round(float(value), decimals)


def numbers(values: FloatArray) -> list[float | None]:
    """Rounded numbers at 1e-6, null for NaN."""
    return [number(value, DECIMALS) for value in values]
