"""Forecasts from files to files; see `manage.py forecast --help` for their columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

DECILES = [level / 10 for level in range(1, 10)]


def forecast_folder(folder: Path) -> tuple[int, dict[str, list[str]]]:
    """Read the folder's files, forecast, write forecast.csv; returns its number of rows, and what was wrong by series.

    Raises UnusableSeries with file, column and reason; OSError where a file is missing.
    """
    from forecasting.kernels.day_ahead import forecast_day

    request = read_request(folder / "request.json")
    history = read_frame(folder / "history.csv")
    history.attrs["time_zone"] = request["time_zone"]
    exog = read_frame(folder / "exog.csv") if (folder / "exog.csv").exists() else None
    found = forecast_day(history, request["issue"], request["target"], request["quantiles"], exog)
    long = found.stack(level="series", future_stack=True)
    long.columns = [f"q{round(level * 100):02d}" for level in long.columns]
    long.index = long.index.set_names(["time", "series"])
    long.round(6).to_csv(folder / "forecast.csv", date_format="%Y-%m-%dT%H:%M:%SZ")
    return len(long), found.attrs["flags"]


def read_frame(path: Path) -> pd.DataFrame:
    """A CSV with a column `time` (ISO 8601, UTC where it names no offset) and numeric columns."""
    import pandas as pd

    from forecasting.kernels.series import UnusableSeries

    frame = pd.read_csv(path)
    if "time" not in frame.columns:
        raise UnusableSeries(f"{path.name}: there is no column 'time'")
    times = pd.to_datetime(frame.pop("time"), utc=True, errors="coerce", format="ISO8601")
    if times.isna().any():
        raise UnusableSeries(f"{path.name}: row {int(times.isna().to_numpy().argmax()) + 2}, column 'time': not a time")
    if not len(frame.columns):
        raise UnusableSeries(f"{path.name}: there is no series beside 'time'")
    frame.index = pd.DatetimeIndex(times)
    return frame


def read_request(path: Path) -> dict[str, Any]:
    """issue, target (start and end, or a list), quantiles, step_minutes, time_zone as Python values."""
    import pandas as pd

    from forecasting.kernels.series import UnusableSeries

    given = json.loads(path.read_text())
    for key in ("issue", "target"):
        if key not in given:
            raise UnusableSeries(f"{path.name}: {key!r} is missing")
    try:
        issue = pd.to_datetime(given["issue"], utc=True)
        target = given["target"]
        if isinstance(target, dict):
            step = f"{int(given.get('step_minutes', 15))}min"
            times = pd.date_range(
                pd.to_datetime(target["start"], utc=True),
                pd.to_datetime(target["end"], utc=True),
                freq=step,
                inclusive="left",
            )
        else:
            times = pd.DatetimeIndex(pd.to_datetime(target, utc=True))
        quantiles = [float(level) for level in given.get("quantiles", DECILES)]
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableSeries(f"{path.name}: {error}") from error
    return {"issue": issue, "target": times, "quantiles": quantiles, "time_zone": str(given.get("time_zone", ""))}
