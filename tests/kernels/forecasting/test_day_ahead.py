"""Frames in, frames out: sees nothing after the issue, always finite and ordered, or says what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from forecasting.files import forecast_folder
from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.clock_change import align_clock
from forecasting.kernels.day_ahead import forecast_day
from forecasting.kernels.own_bands import at_levels
from forecasting.kernels.series import UnusableSeries, class_of_series

DECILES = [level / 10 for level in range(1, 10)]
TARGET = pd.date_range("2016-07-13T22:00Z", periods=24, freq="h")
ISSUE = pd.Timestamp("2016-07-13T08:00Z")


@pytest.fixture(autouse=True)
def _small_models(monkeypatch) -> None:
    """The whole ladder with few trees on few rows: these tests are about what goes in and out."""
    monkeypatch.setattr("forecasting.kernels.daily.POOL_ROUNDS", 12)
    monkeypatch.setattr("forecasting.kernels.daily.POOL_ROWS", 3000)
    monkeypatch.setattr("forecasting.kernels.price_models.ROUNDS", 40)


def history(days: int = 50, end: str = "2016-07-13T22:00Z") -> pd.DataFrame:
    index = pd.date_range(end=end, periods=days * 24, freq="h", inclusive="left")
    hour, random = index.hour.to_numpy(), np.random.default_rng(0)
    sun = np.maximum(np.sin((hour - 3) / 16 * np.pi), 0) * ((hour > 3) & (hour < 19))
    return pd.DataFrame(
        {
            "home": 1 + np.sin(hour / 24 * 2 * np.pi) ** 2 + random.random(len(index)),
            "roof": 5 * sun * random.random(len(index)),
            "price": 30 + 10 * np.sin(hour / 24 * 2 * np.pi) + random.normal(0, 3, len(index)),
            "flat": np.full(len(index), 2.0),
        },
        index=index,
    )


def assert_sound(found: pd.DataFrame, names: list[str]) -> None:
    assert list(found.columns.get_level_values(0).unique()) == names and len(found) == len(TARGET)
    assert np.isfinite(found.to_numpy()).all()
    for name in names:
        assert (np.diff(found[name].to_numpy(), axis=1) >= 0).all()


def test_every_series_is_forecast_in_order_of_its_quantiles():
    found = forecast_day(history(days=45), ISSUE, TARGET, DECILES)
    assert_sound(found, ["home", "roof", "price", "flat"])
    assert not found["roof"].to_numpy()[:3].any() and (found["roof"].to_numpy() >= 0).all()
    assert found["flat"][0.5].to_numpy() == pytest.approx(np.full(24, 2.0))
    assert found["home"][0.5].mean() == pytest.approx(2.0, abs=0.3)


def test_nothing_after_the_issue_is_used():
    seen = history()[["home", "roof", "flat"]]
    changed = seen.copy()
    changed.loc[changed.index >= ISSUE] = 1e6
    forecast_day.reset()
    pd.testing.assert_frame_equal(
        forecast_day(seen, ISSUE, TARGET, DECILES), forecast_day(changed, ISSUE, TARGET, DECILES)
    )


def test_prices_use_regressors_that_cover_the_target_and_drop_those_that_do_not():
    prices = history(days=80)[["price"]]
    index = pd.date_range(prices.index[0], TARGET[-1], freq="h")
    random = np.random.default_rng(1)
    driver = pd.DataFrame({"load": random.normal(50, 10, len(index))}, index=index)
    prices["price"] = 2 * driver["load"].reindex(prices.index) + random.normal(0, 1, len(prices))
    with_driver = forecast_day(prices, ISSUE, TARGET, DECILES, driver)["price"][0.5]
    without = forecast_day(prices, ISSUE, TARGET, DECILES, driver[driver.index < TARGET[0]])["price"][0.5]
    truth = 2 * driver["load"].reindex(TARGET)
    assert (with_driver - truth).abs().mean() < 0.6 * (without - truth).abs().mean()


def spoiled(how: str) -> pd.DataFrame:
    frame = history()[["home", "roof"]]
    match how:
        case "doubled and unsorted":
            return pd.concat([frame, frame.iloc[:50]]).sample(frac=1, random_state=0)
        case "gaps":
            kept = frame.drop(frame.index[100:300])
            return kept.where(np.random.default_rng(0).random(kept.shape) > 0.2)
        case "mixed steps":
            return pd.concat([frame, frame.set_axis(frame.index + pd.Timedelta("30min")).iloc[:500]]).sort_index()
        case "text":
            return frame.astype(object).mask(np.repeat((frame.index.hour == 5)[:, None], 2, axis=1), "n/a")
        case "nothing":
            return frame * np.nan
        case "no rows":
            return frame.iloc[:0]
        case "two days":
            return frame.iloc[-62:]
        case "stuck":
            frame.iloc[-200:-120] = 3.3
        case "spikes":
            frame.iloc[::89] *= 1000
        case "kW for MW":
            frame.iloc[-300:] /= 1000
        case "constant":
            frame[:] = 4.0
        case "all zeros":
            frame[:] = 0.0
        case "negative at night":
            frame = frame.where(frame > 0, -0.05)
        case "infinite":
            frame.iloc[::41] = np.inf
        case _:
            raise AssertionError(how)
    return frame


@pytest.mark.parametrize(
    "how",
    [
        "doubled and unsorted", "gaps", "mixed steps", "text", "nothing", "no rows", "two days", "stuck", "spikes",
        "kW for MW", "constant", "all zeros", "negative at night", "infinite",
    ],
)  # fmt: skip
def test_spoiled_histories_still_get_an_answer(how):
    assert_sound(forecast_day(spoiled(how), ISSUE, TARGET, DECILES), ["home", "roof"])


def test_one_spoiled_series_is_flagged_and_leaves_the_others_alone():
    frame = history()[["home", "roof"]]
    frame["other"] = frame["home"] * 2
    spoiled_one = frame.copy()
    spoiled_one.iloc[::89, 0] *= 1000
    spoiled_one.iloc[-200:-100, 0] = 3.3
    found = forecast_day(spoiled_one, ISSUE, TARGET, DECILES)
    assert list(found.attrs["flags"]) == ["home"] and len(found.attrs["flags"]["home"]) == 2
    assert found["home"].to_numpy().max() < 4
    none = forecast_day(frame * np.nan, ISSUE, TARGET, DECILES)
    assert none.attrs["flags"]["roof"] == ["no history"]


@pytest.mark.parametrize(("first", "hours"), [("2016-03-26T23:00Z", 23), ("2016-10-29T22:00Z", 25)])
def test_clock_change_days_have_their_own_length(first, hours):
    target = pd.date_range(first, periods=hours, freq="h")
    seen = history(end=first)
    seen.attrs["time_zone"] = "Europe/Berlin"
    found = forecast_day(seen, target[0] - pd.Timedelta("14h"), target, DECILES)
    assert found.shape == (hours, 4 * 9) and np.isfinite(found.to_numpy()).all()


def test_weather_of_another_year_is_dropped_and_its_own_is_used():
    index = pd.date_range(end=TARGET[-1], periods=80 * 24, freq="h")
    random = np.random.default_rng(3)
    warmth = np.repeat(random.normal(0, 6, 80), 24)
    load = pd.DataFrame({"home": 3 + 0.2 * warmth + random.normal(0, 0.1, len(index))}, index)
    truth = load["home"].reindex(TARGET)
    right = pd.DataFrame({"temperature": warmth}, index)
    wrong = pd.DataFrame({"temperature": np.repeat(random.normal(0, 6, 80), 24)}, index)
    forecasts = {
        name: forecast_day(load, ISSUE, TARGET, DECILES, exog)["home"]
        for name, exog in {"right": right, "wrong": wrong, "none": None}.items()
    }
    pd.testing.assert_frame_equal(forecasts["wrong"], forecasts["none"])
    errors = {name: (found[0.5] - truth).abs().mean() for name, found in forecasts.items()}
    assert errors["right"] < 0.8 * errors["none"]


@pytest.mark.parametrize(
    ("issue", "target", "quantiles", "reason"),
    [
        (ISSUE, TARGET, [0.5, 1.0], "quantiles"),
        (ISSUE, TARGET, [float("nan")], "quantiles"),
        (pd.NaT, TARGET, DECILES, "must be times"),
        (ISSUE, TARGET[:0], DECILES, "must be times"),
        (ISSUE, TARGET[::-1], DECILES, "ascend"),
        (TARGET[5], TARGET, DECILES, "before the issue"),
        (ISSUE, pd.date_range(TARGET[0], periods=24, freq="7min"), DECILES, "step of 7"),
    ],
)
def test_a_request_that_cannot_be_served_says_why(issue, target, quantiles, reason):
    with pytest.raises(UnusableSeries, match=reason):
        forecast_day(history(), issue, target, quantiles)


def test_classes_are_told_by_name_and_by_shape():
    frame = history()
    starts = frame.index.tz_localize(None).to_numpy()
    assert class_of_series("roof", frame["roof"].to_numpy(), starts) == "pv"
    assert class_of_series("x1", frame["home"].to_numpy(), starts) == "load"
    assert class_of_series("price_be", frame["home"].to_numpy(), starts) == "price"
    assert class_of_series("net", frame["home"].to_numpy() - 2, starts) == "net"


def test_levels_between_and_beyond_the_deciles_ascend():
    found = at_levels(np.arange(9.0)[None], np.array([0.02, 0.1, 0.3, 0.35, 0.9, 0.99]))[0]
    assert found[[1, 2, 4]].tolist() == pytest.approx([0, 2, 8])
    assert (np.diff(found) > 0).all()


def test_what_was_asked_before_changes_nothing():
    seen = history(days=70)[["home", "roof"]]
    forecast_day.reset()
    forecast_day(
        seen[seen.index < "2016-07-12T08:00Z"], ISSUE - pd.Timedelta("1D"), TARGET - pd.Timedelta("1D"), DECILES
    )
    after_others = forecast_day(seen, ISSUE, TARGET, DECILES)
    forecast_day.reset()
    pd.testing.assert_frame_equal(forecast_day(seen, ISSUE, TARGET, DECILES), after_others)


def test_each_series_says_whether_it_moved_with_the_clock():
    days = np.datetime64("2016-02-20") + np.arange(50).astype("timedelta64[D]")
    change = int((np.datetime64("2016-03-27") - days[0]).astype(int))
    hour = np.arange(24)
    busy = ((hour >= 8) & (hour < 16)).astype(np.float32)
    moving = np.repeat(busy[None], 50, axis=0)
    moving[:change] = np.roll(busy, 1)
    values = np.stack([moving, np.repeat(busy[None], 50, axis=0)]).astype(np.float32)
    grid = DayGrid(values, days, 10, 60, "UTC", frozenset())
    aligned = align_clock(grid, offset_hours=22).values
    assert np.nanmax(np.abs(aligned - busy)) == 0
    early = DayGrid(values[:, : change + 2], days[: change + 2], 10, 60, "UTC", frozenset())
    assert np.nanmax(np.abs(align_clock(early, offset_hours=22).values[0] - busy)) == 0
    assert (align_clock(early, offset_hours=0).values == early.values).all()


@pytest.mark.parametrize("start", ["2016-07-15T22:00Z", "2016-07-16T00:00Z", "2016-07-16T07:00Z"])
def test_a_free_saturday_is_known_wherever_midnight_lies(start):
    target = pd.date_range(start, periods=24, freq="h")
    index = pd.date_range(target[0] - pd.Timedelta("50D"), target[0], freq="h", inclusive="left")
    since = (index - target[0]) // pd.Timedelta("1D")
    open_day = ~np.isin((since + 5) % 7, [5, 6])
    frame = pd.DataFrame({"shop": np.where(open_day, 10.0, 1.0) + np.random.default_rng(0).random(len(index))}, index)
    found = forecast_day(frame, target[0] - pd.Timedelta("14h"), target, DECILES)
    assert found["shop"][0.5].max() < 2.5


def test_files_in_and_files_out(tmp_path):
    history()[["home"]].rename_axis("time").to_csv(tmp_path / "history.csv")
    request = {"issue": str(ISSUE), "target": {"start": str(TARGET[0]), "end": "2016-07-14T22:00Z"}, "step_minutes": 60}
    (tmp_path / "request.json").write_text(json.dumps(request))
    assert forecast_folder(tmp_path) == (24, {})
    written = pd.read_csv(tmp_path / "forecast.csv")
    assert list(written.columns) == ["time", "series", *(f"q{level}0" for level in range(1, 10))]


def test_a_bad_file_names_row_and_column(tmp_path):
    (tmp_path / "request.json").write_text(json.dumps({"issue": str(ISSUE), "target": [str(TARGET[0])]}))
    (tmp_path / "history.csv").write_text("time,home\n2016-07-01T00:00Z,1\nyesterday,2\n")
    with pytest.raises(UnusableSeries, match="row 3, column 'time'"):
        forecast_folder(tmp_path)
