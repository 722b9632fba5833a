"""Weather forecasts: taken in as they are issued, and laid out as they were known when each day was forecast."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.models import WeatherForecast
from vpp.lib.errors import DomainError
from vpp.lib.periods import DeliveryDay, as_datetime64

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.kernels.weather import Weather

STEPS_MINUTES = (15, 30, 60)


class BadWeather(DomainError):
    code = "bad_weather"


def store_weather(frame: pd.DataFrame, *, zone_code: str, issued_at: datetime, at: datetime) -> int:
    """Keep one issue of a zone's weather; returns the number of variables that were new.

    frame : UTC index of equal steps of 15, 30 or 60 minutes, one column a variable. A repeat changes nothing.
    Raises BadWeather naming the column and the reason: gaps, steps, a value that is no number, an issue in the future.
    """
    if issued_at > at:
        raise BadWeather("weather cannot be issued in the future", issued_at=issued_at.isoformat())
    times = frame.index.tz_convert(UTC).tz_localize(None).to_numpy().astype("datetime64[m]")
    steps = np.unique(np.diff(times).astype(np.int64))
    if len(times) < 2 or len(steps) != 1 or int(steps[0]) not in STEPS_MINUTES:
        raise BadWeather("times must ascend by 15, 30 or 60 minutes without a gap", zone_code=zone_code)
    numbers = {str(name): np.asarray(frame[name], dtype=np.float64) for name in frame.columns}
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values))) + 1
            raise BadWeather(f"column {name!r}, row {row}: not a number", column=name)
    known = set(
        WeatherForecast.objects.filter(zone_code=zone_code, issued_at=issued_at).values_list("variable", flat=True)
    )
    rows = [
        WeatherForecast(
            zone_code=zone_code,
            variable=name,
            issued_at=issued_at,
            start=frame.index[0].to_pydatetime(),
            step_minutes=int(steps[0]),
            values=values,
            available_at=at,
        )
        for name, values in numbers.items()
        if name not in known
    ]
    WeatherForecast.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def expected_weather(zone_code: str, *, days: list[DeliveryDay], issue: datetime) -> Weather | None:
    """Each day's weather as it was expected at the same time before that day as the issue is before the last one.

    None where nothing is stored. A value of a wider step holds for all its quarter hours.
    """
    from forecasting.kernels.weather import Weather

    before = days[-1].start - issue
    rows = list(
        WeatherForecast.objects.filter(
            zone_code=zone_code,
            available_at__lte=issue,
            issued_at__lte=issue,
            issued_at__gt=days[0].start - timedelta(days=10),
        ).order_by("variable", "-issued_at")
    )
    variables = sorted({row.variable for row in rows})
    if not variables:
        return None
    slots = 1440 // days[-1].step_minutes
    values = np.full((len(variables), len(days), slots), np.nan, dtype=np.float32)
    for place, name in enumerate(variables):
        issues = [row for row in rows if row.variable == name]
        for number, day in enumerate(days):
            values[place, number] = _of_day(issues, day, day.start - before, slots)
    dates: NDArray[np.datetime64] = np.array([day.date for day in days], dtype="datetime64[D]")
    return Weather(dates, values, tuple(variables))


def days_until(last: DeliveryDay, first: date) -> list[DeliveryDay]:
    """Every local day from `first` to the last."""
    return [last.shifted(-back) for back in range((last.date - first).days, -1, -1)]


def _of_day(issues: list[WeatherForecast], day: DeliveryDay, known_at: datetime, slots: int) -> NDArray[np.float64]:
    """(S,) by local slot from the newest issue known then; NaN where it does not reach."""
    from forecasting.kernels.calendar import local_clock

    found = np.full(slots, np.nan)
    row = next((one for one in issues if one.issued_at <= known_at), None)
    if row is None:
        return found
    starts = day.starts64()
    place = (starts - as_datetime64(row.start)).astype("timedelta64[m]").astype(np.int64) // row.step_minutes
    values = np.asarray(row.values, dtype=np.float64)
    inside = (place >= 0) & (place < len(values))
    by_interval = np.where(inside, values[np.clip(place, 0, len(values) - 1)], np.nan)
    there = local_clock(starts, day.zone, day.step_minutes).slots
    found[there] = by_interval
    if day.n_intervals < slots:  # the hour that the clock skips stays as it was before it
        skipped = np.setdiff1d(np.arange(slots), there)
        found[skipped] = found[skipped[0] - 1]
    return found
