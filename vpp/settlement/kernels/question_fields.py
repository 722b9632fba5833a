"""Reading the fields of a baseline question."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from vpp.lib.periods import as_datetime64
from vpp.settlement.kernels.answers import FloatArray
from vpp.settlement.kernels.profiles import Window
from vpp.settlement.kernels.question_values import (
    DECIMALS as DECIMALS,
)
from vpp.settlement.kernels.question_values import (
    HELP as HELP,
)
from vpp.settlement.kernels.question_values import (
    QuestionError as QuestionError,
)
from vpp.settlement.kernels.question_values import (
    date_of as date_of,
)
from vpp.settlement.kernels.question_values import (
    floats as floats,
)
from vpp.settlement.kernels.question_values import (
    list_of as list_of,
)
from vpp.settlement.kernels.question_values import (
    mapping as mapping,
)
from vpp.settlement.kernels.question_values import (
    missing as missing,
)
from vpp.settlement.kernels.question_values import (
    moment as moment,
)
from vpp.settlement.kernels.question_values import (
    number as number,
)
from vpp.settlement.kernels.question_values import (
    number_of as number_of,
)
from vpp.settlement.kernels.question_values import (
    numbers as numbers,
)
from vpp.settlement.kernels.slots import Event, Series


def event(question: Mapping[str, Any]) -> Event:
    """The event's [start, end)."""
    given = mapping(question["event"], "event", "{start, end} in UTC")
    found = moment(given, "start"), moment(given, "end")
    if found[1] <= found[0]:
        raise QuestionError(f"event ends at {found[1].isoformat()}, not after its start: swap start and end")
    return Event(*found)


def temperatures(question: Mapping[str, Any]) -> dict[date, float]:
    """`daily_max_temp` by local date."""
    given = mapping(question.get("daily_max_temp") or {}, "daily_max_temp", "{YYYY-MM-DD: highest temperature}")
    return {
        date_of(day, "daily_max_temp"): number_of(value, f"daily_max_temp[{day}]")
        for day, value in given.items()
        if value is not None
    }


def series(question: Mapping[str, Any]) -> tuple[Series, FloatArray]:
    """The series' frame and its values, from `values` in a row or from `readings` [[start, kWh]] in any order."""
    minutes = number_of(question["interval_minutes"], "interval_minutes")
    if minutes <= 0:
        raise QuestionError(f"interval_minutes is {minutes:g}: {HELP['interval_minutes']}")
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


def pairs(question: Mapping[str, Any], field: str) -> tuple[tuple[datetime, datetime], ...]:
    """[[start, end]] or [{start, end}] in UTC."""
    found = []
    for place, pair in enumerate(list_of(question, field)):
        if not isinstance(pair, Mapping):
            if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
                raise QuestionError(f"{field}[{place}] is no pair: give [start, end] in UTC")
            pair = {"start": pair[0], "end": pair[1]}
        found.append((moment(pair, "start"), moment(pair, "end")))
    return tuple(found)


def dates(question: Mapping[str, Any], field: str) -> frozenset[date]:
    """A list of local ISO dates."""
    return frozenset(date_of(day, field) for day in list_of(question, field))


def zone(question: Mapping[str, Any]) -> ZoneInfo:
    """The IANA zone of `tz`."""
    try:
        return ZoneInfo(str(question["tz"]))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise QuestionError(f"tz {question['tz']!r} is not an IANA zone: write one as Europe/Berlin") from error
