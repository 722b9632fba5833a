"""The device forecast: sees nothing after the issue, survives bad input, repeats itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from forecasting.kernels import fleet as fleet_kernel
from forecasting.kernels.fleet import forecast_fleet
from forecasting.kernels.ladder import LadderSettings
from forecasting.kernels.scores import crossings
from forecasting.kernels.totals import forecast_totals
from tests.kernels.forecasting.worlds import fleet, power_of, with_power


@pytest.fixture(autouse=True)
def _small_models(monkeypatch):
    monkeypatch.setattr(
        fleet_kernel,
        "settings_for",
        lambda name, *, seed: LadderSettings(training_rows=2000, rounds=4, seed=seed),
    )


def assert_sane(found, one) -> None:
    assert found.mean_kw.shape == (len(one.kinds), 96)
    for values in (found.mean_kw, found.quantiles_kw, found.held_mean_kw, found.spread_kw):
        assert np.isfinite(values).all()
    assert crossings(found.quantiles_kw) == 0
    rating = np.maximum(one.max_consumption_kw, one.max_production_kw)
    assert (np.abs(found.mean_kw) <= rating[:, None] + 1e-3).all()


def test_what_happens_after_the_issue_changes_nothing():
    one = fleet()
    after = one.starts + np.timedelta64(15, "m") > one.issue
    assert after.sum() == 56
    changed = power_of(one)
    changed[:, after] = np.random.default_rng(1).normal(500, 300, (len(one.kinds), after.sum()))
    results = []
    for power_kw in (power_of(one), changed):
        found = forecast_fleet(with_power(one, power_kw))
        total = forecast_totals(found, polish=np.array([False]))[0]
        results.append((found.mean_kw, found.quantiles_kw, found.held_mean_kw, total.mean_kw, total.residual_kw))
    for known, peeked in zip(*results, strict=True):
        assert np.array_equal(known, peeked, equal_nan=True)


def test_the_same_seed_gives_the_same_numbers():
    first, again = forecast_fleet(fleet()), forecast_fleet(fleet())
    assert np.array_equal(first.mean_kw, again.mean_kw) and np.array_equal(first.quantiles_kw, again.quantiles_kw)


def test_signs_nights_and_batteries():
    one = fleet()
    found = forecast_fleet(one)
    assert_sane(found, one)
    kinds = np.array(one.kinds)
    pv, load = found.quantiles_kw[kinds == "PV"], found.quantiles_kw[kinds == "LOAD"]
    assert (pv <= 0).all() and pv[:, 48].max() < 0 and not pv[:, :16].any() and not pv[:, 92:].any()
    assert (load >= 0).all()
    assert not found.mean_kw[kinds == "BATTERY"].any() and not found.quantiles_kw[kinds == "BATTERY"].any()
    assert set(found.rung[kinds == "LOAD"]) == {"gradient"}


@pytest.mark.parametrize(
    ("day", "intervals"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100), (date(2016, 3, 28), 96)]
)
def test_clock_change_days(day, intervals):
    one = fleet(day)
    found = forecast_fleet(one)
    assert_sane(found, one)
    assert found.on_intervals(found.mean_kw).shape == (len(one.kinds), intervals)


def test_the_same_local_slot_is_compared_across_a_clock_change():
    one = fleet(date(2016, 3, 30), days=14)
    local_hour = fleet_kernel.local_clock(one.starts, one.zone, 15).slots / 4
    power = power_of(one)
    power[0] = np.where((local_hour >= 8) & (local_hour < 18), 10.0, 2.0) + 0.01 * np.arange(len(one.starts)) % 0.1
    found = forecast_fleet(with_power(one, power))
    assert found.mean_kw[0, 33:71].min() > 9.5 and found.mean_kw[0, :31].max() < 2.6


@pytest.mark.parametrize("day", [date(2016, 3, 27), date(2016, 3, 29), date(2016, 4, 8), date(2016, 10, 31)])
def test_the_sun_does_not_follow_the_clock(day):
    one = fleet(day, days=24)
    assert one.target_starts[0] == one.starts[-1] + np.timedelta64(15, "m")
    hour = (one.starts.astype("datetime64[m]").astype(np.int64) % 1440) / 60
    power = power_of(one)
    power[6] = -9 * np.maximum(np.sin((hour - 5) / 13 * np.pi), 0) * ((hour > 5) & (hour < 18))
    found = forecast_fleet(with_power(one, power))
    ahead = (one.target_starts.astype("datetime64[m]").astype(np.int64) % 1440) / 60
    truth = -9 * np.maximum(np.sin((ahead - 5) / 13 * np.pi), 0) * ((ahead > 5) & (ahead < 18))
    late = ahead > 3 if day != date(2016, 3, 27) else ahead > 5
    assert np.abs(found.on_intervals(found.profile_kw)[6] - truth)[late].max() < 0.4


def test_a_plant_that_keeps_winter_time_is_found_out_by_its_own_days():
    one = fleet(date(2016, 4, 8), days=26)
    hour = (one.starts.astype("datetime64[m]").astype(np.int64) % 1440) / 60
    power = power_of(one)
    power[0] = np.where((hour >= 6) & (hour < 14), 10.0, 2.0) + 0.01 * np.arange(len(hour)) % 0.1
    found = forecast_fleet(with_power(one, power))
    assert found.profile_kw[0, 33:63].min() > 9.5 and found.profile_kw[0, 65:].max() < 2.6


def broken(one, how):
    power = power_of(one)
    match how:
        case "gaps":
            power[:, np.random.default_rng(2).random(power.shape[1]) < 0.4] = np.nan
        case "a missing week":
            power[:, 200:872] = np.nan
        case "spikes":
            power[:, 700::97] *= 1000
        case "kW for MW":
            power[0] *= 1000
        case "stuck":
            power[:4, 900:1100] = 3.3
        case "constant":
            power[:] = 2.5
        case "zeros":
            power[:] = 0
        case "negative at night":
            power = np.where(power == 0, 0.02, power)
        case "infinite":
            power[1, 5] = np.inf
        case "nothing":
            power[:] = np.nan
        case "one series missing":
            power[[0, 6]] = np.nan
    return with_power(one, power)


@pytest.mark.parametrize(
    "how",
    [
        "gaps", "a missing week", "spikes", "kW for MW", "stuck", "constant", "zeros", "negative at night", "infinite",
        "nothing", "one series missing",
    ],
)  # fmt: skip
def test_bad_input_gives_a_finite_ordered_forecast(how):
    one = broken(fleet(), how)
    found = forecast_fleet(one)
    assert_sane(found, one)
    totals = forecast_totals(found, polish=np.array([True]))
    assert np.isfinite(totals[0].mean_kw).all()


def test_bad_input_of_one_series_is_named_and_leaves_the_others_alone():
    one = fleet()
    power = power_of(one)
    power[0, 700::97] *= 1000
    power[1, 900:1000] = 3.3
    found = forecast_fleet(with_power(one, power))
    assert {index for index, _ in found.flags} == {0, 1}
    assert {finding.split(" ", 1)[1] for _, finding in found.flags} == {
        "implausible values left out",
        "intervals of a stuck meter left out",
    }
    assert found.mean_kw[0].max() < 5
    clean, others = forecast_fleet(one), slice(2, len(one.kinds))
    assert np.array_equal(clean.profile_kw[others], found.profile_kw[others])
    assert np.abs(clean.mean_kw[others] - found.mean_kw[others]).mean() < 0.02 * np.abs(clean.mean_kw[others]).mean()


@pytest.mark.parametrize("days", [0, 1, 2, 5, 9])
def test_short_histories(days):
    one = fleet(days=max(days, 1))
    keep = one.starts >= one.starts[-1] - np.timedelta64(days, "D")
    cut = replace(one, power_kw=power_of(one)[:, keep], starts=one.starts[keep])
    found = forecast_fleet(cut)
    assert_sane(found, cut)
    if days >= 5:
        assert found.mean_kw[0].mean() == pytest.approx(power_of(one)[0].mean(), rel=0.3)


def test_a_newcomer_gets_the_shape_of_its_class_times_its_rating():
    one = fleet()
    power = power_of(one)
    power[6] = np.nan
    rating = one.max_production_kw.copy()
    rating[6] = 24.0
    found = forecast_fleet(replace(one, power_kw=power, max_production_kw=rating))
    assert found.rung[6] == "fallback"
    assert found.mean_kw[6].min() == pytest.approx(2 * found.mean_kw[7:9].mean(axis=0).min(), rel=0.2)


def test_the_target_must_lie_after_the_issue():
    one = fleet()
    with pytest.raises(ValueError, match="after the day of issue"):
        forecast_fleet(replace(one, target_starts=one.target_starts - np.timedelta64(1, "D")))


def test_a_class_in_parts_is_forecast_like_the_whole(monkeypatch):
    one = fleet()
    whole = forecast_fleet(one)
    monkeypatch.setattr("forecasting.kernels.fleet.PART_SERIES", 4)
    parts = forecast_fleet(one)
    assert_sane(parts, one)
    assert np.abs(parts.mean_kw - whole.mean_kw).mean() < 0.05 * np.abs(whole.mean_kw).mean()
