"""Reading single values of a question, each complaint with its place and a remedy; and writing numbers back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from vpp.settlement.kernels.answers import FloatArray

DECIMALS = 6  # settlement rules, section 0: a baseline is stored at 1e-6 kWh


class QuestionError(ValueError):
    """The question cannot be read; the message names the field."""


HELP: Mapping[str, str] = {
    "preset": "give `preset` (as CAISO_10_IN_10) or `method` (as x_of_y)",
    "tz": "give the site's IANA zone, as Europe/Berlin",
    "interval_minutes": "give the length of an interval, as 15",
    "series_start": "give the first interval's start in UTC, as 2016-06-01T22:00:00Z",
    "values": "give kWh per interval from series_start on, null where missing; import is positive",
    "event": "give {start, end} in UTC",
    "start": "write ISO 8601 in UTC, as 2016-07-14T14:00:00Z",
    "end": "write ISO 8601 in UTC, as 2016-07-14T16:00:00Z",
    "control_values": "give the control sites' kWh per interval, one list or many",
    "shape": "give one of before, linear, min, mean",
    "y": "a pool needs y, the days to collect",
    "constant_kw": "give schedule_kwh, schedule_kw, constant_kwh or constant_kw",
}


def missing(field: str) -> str:
    """What to do about a field that is not there."""
    return f"field {field!r} is missing: {HELP.get(field, 'see docs/settlement.md for the form of a question')}"


def mapping(value: Any, field: str, wanted: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise QuestionError(f"{field} is not an object: give {wanted}")
    return dict(value)


def floats(row: Sequence[float | None], size: int | None, field: str) -> FloatArray:
    """A JSON list of numbers with null for missing; `size` is what the list must have, None for any."""
    if not isinstance(row, Sequence) or isinstance(row, str):
        raise QuestionError(f"{field} is not a list: give numbers, null where missing")
    try:
        numbers = np.array([np.nan if value is None else float(value) for value in row], dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.array([number_of(value, f"{field}[{place}]") for place, value in enumerate(row)])  # says which
    if size is not None and numbers.size != size:
        raise QuestionError(f"{field} has {numbers.size} values, the series {size}: give one per interval")
    if np.isinf(numbers).any():
        place = int(np.flatnonzero(np.isinf(numbers))[0])
        raise QuestionError(f"{field}[{place}] is infinite: give a number, or null if it is missing")
    return numbers


def number_of(value: Any, place: str) -> float:
    """A number, null as NaN; says where there is none."""
    try:
        return np.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise QuestionError(f"{place} is {value!r}: give a number") from error


def date_of(day: Any, field: str) -> date:
    try:
        return date.fromisoformat(str(day))
    except ValueError as error:
        raise QuestionError(f"{field}: {day!r} is no date: write YYYY-MM-DD, the site's local one") from error


def list_of(question: Mapping[str, Any], field: str) -> Sequence[Any]:
    given = question.get(field) or []
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise QuestionError(f"{field} is not a list: write it in [ ]")
    return given


def moment(holder: Mapping[str, Any], field: str) -> datetime:
    """A moment of the form; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(str(holder[field]))
    except ValueError as error:
        raise QuestionError(f"{field}: {holder[field]!r} is no moment: {HELP['start']}") from error
    if moment.tzinfo is None:  # the form says UTC
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def number(value: float, decimals: int) -> float | None:
    """A rounded number, null for NaN."""
    return None if np.isnan(value) else round(float(value), decimals)


def numbers(values: FloatArray) -> list[float | None]:
    """Rounded numbers at 1e-6, null for NaN."""
    return [number(value, DECIMALS) for value in values]
