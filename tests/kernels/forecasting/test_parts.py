"""Scores, calendar, cleaning, ARIMA, reconciliation and scenarios on numbers that can be checked by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from forecasting.kernels import arima
from forecasting.kernels.calendar import SATURDAY, SUNDAY, WORKDAY, day_types, local_clock, to_day_grid
from forecasting.kernels.calibration import band_factor, deviation_weights, widen
from forecasting.kernels.cleaning import clean, stuck_runs
from forecasting.kernels.combine import reconcile, score_weights
from forecasting.kernels.scenarios import (
    Scenarios,
    day_weights,
    energy_score,
    joint_scenarios,
    path_quantiles,
    reduce_scenarios,
)
from forecasting.kernels.scores import coverage, crossings, crps_from_quantiles, mean_absolute_error, pinball_loss
from vpp.lib.periods import DeliveryDay

BERLIN = "Europe/Berlin"


def test_pinball_loss_by_hand():
    loss = pinball_loss(np.array([10.0, np.nan]), np.array([[8.0, 12.0], [0.0, 0.0]]), np.array([0.1, 0.9]))
    assert loss == pytest.approx([0.2, 0.2])
    assert crps_from_quantiles(np.array([10.0]), np.array([[8.0, 12.0]]), np.array([0.1, 0.9])) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="want"):
        pinball_loss(np.zeros(2), np.zeros((3, 1)), np.array([0.5]))


def test_scores_leave_out_what_was_not_observed():
    observed = np.array([1.0, np.nan, 3.0])
    assert mean_absolute_error(observed, np.array([2.0, 99.0, 3.0])) == pytest.approx(0.5)
    assert coverage(observed, np.zeros(3), np.array([0.5, 9.0, 9.0])) == pytest.approx(0.5)
    assert np.isnan(coverage(np.full(1, np.nan), np.zeros(1), np.ones(1)))
    assert crossings(np.array([[1.0, 2.0, 1.5]])) == 1


@pytest.mark.parametrize(("day", "count"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100), (date(2016, 7, 1), 96)])
def test_local_slots_of_a_day(day, count):
    clock = local_clock(DeliveryDay(day, BERLIN).starts64(), BERLIN, 15)
    assert len(clock.slots) == count and set(clock.dates.astype(object)) == {day}
    assert clock.slots[0] == 0 and clock.slots[-1] == 95
    assert len(set(clock.slots)) == min(count, 96)


def test_day_types_know_weekends_and_holidays():
    days = np.array(["2016-05-13", "2016-05-14", "2016-05-15", "2016-05-16"], dtype="datetime64[D]")
    assert day_types(days, frozenset({date(2016, 5, 16)})).tolist() == [WORKDAY, SATURDAY, SUNDAY, SUNDAY]


def test_a_grid_takes_unsorted_and_doubled_times_and_stops_at_the_issue():
    starts = DeliveryDay(date(2016, 7, 1), BERLIN).starts64()
    order = np.random.default_rng(0).permutation(96)
    values = np.arange(96.0)[order][None]
    twice = np.concatenate([values, values + 2], axis=1)
    grid = to_day_grid(
        twice,
        np.concatenate([starts[order], starts[order]]),
        issue=starts[40],
        zone=BERLIN,
        step_minutes=15,
    )
    assert (grid.issue_slot, grid.issue_day) == (40, 0)
    assert grid.values[0, 0, :40].tolist() == (np.arange(40.0) + 1).tolist()
    assert np.isnan(grid.values[0, 0, 40:]).all()


def test_the_repeated_autumn_hour_is_averaged():
    starts = DeliveryDay(date(2016, 10, 30), BERLIN).starts64()
    values = np.where((np.arange(100) >= 12) & (np.arange(100) < 16), 4.0, 2.0)[None]
    grid = to_day_grid(values, starts, issue=starts[-1] + np.timedelta64(15, "m"), zone=BERLIN, step_minutes=15)
    assert grid.values[0, 0, 8:12].tolist() == [3.0] * 4


def test_stuck_runs_are_marked_whole_and_short_ones_not():
    values = np.random.default_rng(0).random((1, 200)).astype(np.float32)
    values[0, 50:90] = 1.0
    values[0, 120:140] = 2.0
    marks = stuck_runs(values, step_minutes=15, zero_is_natural=False)
    assert np.flatnonzero(marks[0]).tolist() == list(range(50, 90))


def test_cleaning_leaves_out_spikes_and_wrong_signs():
    values = np.random.default_rng(0).uniform(1, 2, (2, 300))
    values[0, 10] = 2000
    values[1, 20] = -0.5
    found = clean(values, rating_kw=np.array([0.0, 3.0]), step_minutes=15, may_idle=False)
    assert np.isnan(found.values[0, 10]) and found.values[1, 20] == 0
    assert found.spikes.tolist() == [1, 0]
    assert found.level_kw[0] == pytest.approx(1.5, rel=0.1)


def sarima_series(days: int, seed: int) -> np.ndarray:
    random, total = np.random.default_rng(seed), days * 24
    shocks, level, out = random.normal(0, 1, total), 0.0, np.empty(total)
    for hour in range(total):
        seasonal = shocks[hour - 24] if hour >= 24 else 0.0
        level = 0.7 * level + shocks[hour] - 0.8 * seasonal
        out[hour] = level + (out[hour - 24] if hour >= 24 else 50 + 10 * np.sin(hour / 24 * 2 * np.pi))
    return out


def test_arima_finds_the_parameters_it_was_simulated_with():
    found, note = arima.fit(sarima_series(40, 3))
    assert note == ""
    assert found.ar == pytest.approx(0.7, abs=0.12) and found.seasonal_ma == pytest.approx(-0.8, abs=0.12)
    assert found.sigma_kw == pytest.approx(1, rel=0.15)


def test_arima_forecast_follows_statsmodels():
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    series = sarima_series(30, 5)
    parameters = arima.ArimaParameters(0.6, 0.2, -0.7, 1.0)
    model = SARIMAX(series, order=(1, 0, 1), seasonal_order=(0, 1, 1, 24))
    theirs = model.smooth(np.array([0.6, 0.2, -0.7, 1.0])).forecast(38)
    assert arima.forecast(series, parameters, 38) == pytest.approx(theirs, abs=0.05)


@pytest.mark.parametrize(
    "series", [np.zeros(0), np.full(600, 3.0), np.full(600, np.nan), np.arange(30.0), np.exp(np.arange(400) / 20)]
)
def test_arima_survives_any_series(series):
    parameters, _ = arima.fit(series)
    assert parameters.sound()
    ahead = arima.forecast(series, parameters, 38)
    assert np.isfinite(ahead).all()
    paths = arima.simulate(series, parameters, 38, paths=5, seed=1)
    assert np.array_equal(paths, arima.simulate(series, parameters, 38, paths=5, seed=1))


def test_weights_favour_the_better_member_and_ignore_the_unscored():
    weights = score_weights(np.array([[1.0, np.nan], [2.0, 4.0], [np.nan, np.nan]]))
    assert weights.sum(axis=0) == pytest.approx([1, 1])
    assert weights[0, 0] > weights[1, 0] > 0 and weights[2, 0] == 0 and weights[1, 1] == 1


def test_reconciled_parts_add_up_within_their_limits():
    parts = np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]])
    moved = reconcile(
        parts,
        np.array([6.0, 1.0]),
        spread_kw=np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]),
        lower_kw=np.zeros(3),
        upper_kw=np.array([1.5, 9.0, 9.0]),
    )
    assert moved.sum(axis=0) == pytest.approx([6, 1])
    assert moved[2].tolist() == [0, 0] and moved[0, 0] <= 1.5


def test_shrunk_weights_drop_a_deviation_that_does_not_help():
    random = np.random.default_rng(0)
    residual = random.normal(0, 1, (6, 4, 96))
    helpful = deviation_weights(residual, 0.9 * residual, np.ones(6))
    useless = deviation_weights(residual, random.normal(0, 1, residual.shape), np.ones(6))
    assert helpful.min() > 0.55 and useless.max() < 0.1


def test_the_band_factor_widens_a_narrow_band_and_leaves_a_closed_one():
    random = np.random.default_rng(0)
    actual = random.normal(0, 1, (4, 3, 96))
    narrow = np.broadcast_to(np.array([-0.5, 0.0, 0.5]), (*actual.shape, 3))
    assert band_factor(actual, narrow) == pytest.approx(1.5)
    assert widen(np.zeros((2, 3)), 1.5).tolist() == np.zeros((2, 3)).tolist()


def scenario_set(seed: int = 1) -> Scenarios:
    random = np.random.default_rng(0)
    shared = random.normal(0, 1, (30, 1, 1))
    residual = np.concatenate([shared + np.zeros((30, 1, 24)), -shared + np.zeros((30, 1, 24))], axis=1)
    return joint_scenarios(
        np.full((2, 24), 10.0),
        residual,
        day_weights(np.zeros(30, dtype=np.int64), 0),
        lower_kw=np.zeros((2, 24)),
        upper_kw=np.full((2, 24), 20.0),
        size=60,
        seed=seed,
    )


def test_scenarios_keep_what_moves_together_and_their_mean():
    drawn = scenario_set()
    assert drawn.paths_kw[:, 0, 0] == pytest.approx(20 - drawn.paths_kw[:, 1, 0])
    assert drawn.total_kw.std() == pytest.approx(0, abs=1e-9)
    assert drawn.paths_kw.mean(axis=0) == pytest.approx(np.full((2, 24), 10.0))
    assert np.array_equal(drawn.paths_kw, scenario_set().paths_kw)


def test_reduced_scenarios_are_members_with_the_weight_of_the_rest():
    random = np.random.default_rng(0)
    paths = Scenarios(
        random.normal(0, 1, (80, 1, 24)) + random.choice([-5, 5], (80, 1, 1)), np.full(80, 1 / 80), np.arange(80)
    )
    few = reduce_scenarios(paths, 6)
    assert few.probability.sum() == pytest.approx(1) and len(few.probability) == 6
    assert all((paths.paths_kw == one).all(axis=(1, 2)).any() for one in few.paths_kw)
    mean = (few.probability[:, None] * few.total_kw).sum(axis=0).mean()
    assert mean == pytest.approx(paths.total_kw.mean(), abs=0.5)
    assert (np.diff(path_quantiles(paths.total_kw, np.array([0.1, 0.5, 0.9])), axis=1) >= 0).all()


def test_the_energy_score_prefers_scenarios_around_the_truth():
    truth, random = np.zeros(24), np.random.default_rng(0)
    near, far = random.normal(0, 1, (40, 24)), random.normal(3, 1, (40, 24))
    assert energy_score(truth, near) < energy_score(truth, far)
