"""Reading the fields of a baseline question, and writing numbers back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.profiles import Window
from vpp.settlement.kernels.slots import Series

DECIMALS = 6  # settlement rules, section 0: a baseline is stored at 1e-6 kWh


class QuestionError(ValueError):
    """The question cannot be read; the message names the field."""


def series(question: Mapping[str, Any]) -> tuple[Series, FloatArray]:
    """The series' frame and its values, from `values` in a row or from `readings` [[start, kWh]] in any order."""
    minutes = float(question["interval_minutes"])
    if minutes <= 0:
        raise QuestionError("interval_minutes is not positive")
    if "values" not in question and question.get("readings"):
        return _series_of_readings(question["readings"], round(minutes * 60))
    values = floats(question["values"], None, "values")
    return Series(as_datetime64(moment(question, "series_start")), round(minutes * 60), values.size), values


def _series_of_readings(readings: Sequence[Sequence[Any]], step_s: int) -> tuple[Series, FloatArray]:
    """A regular series from single readings; what is not there is missing, what stands twice or overlaps is refused."""
    found: dict[int, float] = {}
    for start, kwh in readings:
        second = round(moment({"start": start}, "start").timestamp())
        if second in found:
            raise QuestionError(f"readings: the interval {start} stands twice")
        found[second] = np.nan if kwh is None else float(kwh)
    first = min(found)
    if crooked := [second for second in sorted(found) if (second - first) % step_s]:
        at = datetime.fromtimestamp(crooked[0], UTC).isoformat()
        raise QuestionError(f"readings: the interval {at} overlaps another")
    values = np.full((max(found) - first) // step_s + 1, np.nan)
    for second, kwh in found.items():
        values[(second - first) // step_s] = kwh
    return Series(as_datetime64(datetime.fromtimestamp(first, UTC)), step_s, values.size), values


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
    if "schedule_kw" in params:
        return floats(params["schedule_kw"], None, "schedule_kw") * series.step_s / 3600
    return np.array([float(params["constant_kw"]) * series.step_s / 3600])


def temperature_f(question: Mapping[str, Any], params: Mapping[str, Any], series: Series) -> FloatArray | None:
    """(T,) outdoor temperature in degrees Fahrenheit from `temperature_f`, `temperature_c`, or `temperatures` with
    the parameter `temperature_unit` (F or C); None where there is none."""
    if question.get("temperature_f") is not None:
        return floats(question["temperature_f"], series.size, "temperature_f")
    field = "temperature_c" if question.get("temperature_c") is not None else "temperatures"
    if question.get(field) is None:
        return None
    given = floats(question[field], series.size, field)
    in_celsius = field == "temperature_c" or str(params.get("temperature_unit", "F")).upper() == "C"
    return given * 9 / 5 + 32 if in_celsius else given


def isps(prognosis: Mapping[str, Any]) -> list[tuple[int, int, float]]:
    """(first ISP from 1, count, W) of a prognosis: `isps` [{start, duration, power_w}], or `power_w` per ISP."""
    if prognosis.get("power_w") is not None:
        return [(number, 1, float(power)) for number, power in enumerate(prognosis["power_w"], start=1)]
    return [(int(isp["start"]), int(isp.get("duration", 1)), float(isp["power_w"])) for isp in prognosis["isps"]]


def rule_fields(rule: type, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a rule has, lists as tuples; raises QuestionError for one it does not."""
    known = set(getattr(rule, "__dataclass_fields__", {}))
    if unknown := sorted(set(params) - known - {"adjustment", "temperature_unit"}):
        raise QuestionError(f"unknown parameters: {', '.join(unknown)}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in params.items() if key in known}


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
    return frozenset(date.fromisoformat(str(day)) for day in question.get(field) or ())


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
