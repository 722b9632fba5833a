"""Trees as plain numbers: the same forecasts as scikit-learn's, the same again after storing, and refused when spoiled."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from forecasting.kernels import fleet as fleet_kernel
from forecasting.kernels.climb import TrainedClass
from forecasting.kernels.fleet import forecast_fleet
from forecasting.kernels.ladder import LadderSettings
from forecasting.kernels.stored_model import UnusableModel, from_numbers, to_numbers
from forecasting.kernels.trees import BadTrees, Trees, from_sklearn
from forecasting.kernels.workers import Workers
from tests.kernels.forecasting.worlds import fleet


@pytest.fixture(autouse=True)
def _small_models(monkeypatch):
    monkeypatch.setattr(
        fleet_kernel, "settings_for", lambda name, *, seed: LadderSettings(training_rows=2000, rounds=4, seed=seed)
    )


def table(rows: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    found = random.normal(0, 1, (rows, 12)).astype(np.float32)
    found[random.random(found.shape) < 0.05] = np.nan
    return found


@pytest.mark.parametrize("loss", [{"loss": "squared_error"}, {"loss": "quantile", "quantile": 0.9}])
@pytest.mark.parametrize("leaves", [2, 12, 16])
def test_our_predictor_says_what_scikit_learn_says(loss, leaves):
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows = table(4000, 0)
    goal = np.nan_to_num(rows[:, 0] * rows[:, 1] + np.abs(rows[:, 2])) + np.isnan(rows[:, 3])
    fitted = HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=leaves, early_stopping=False, **loss)
    fitted.fit(rows, goal)
    unseen = table(9000, 1)
    ours = from_sklearn(fitted).predict(np.ascontiguousarray(unseen.T))
    assert np.abs(ours - fitted.predict(unseen)).max() <= 1e-9


def test_a_threshold_between_two_float32_divides_them_as_before():
    third = np.float64(1) / 3
    nodes = np.array([[0, 0, third, 0, 1, 2, 0, 0], [0, 0, 0, 0, 0, 0, -1, 1], [0, 0, 0, 0, 0, 0, 1, 1]])
    around = np.float32(third) + np.array([-1e-7, 0, 1e-7], dtype=np.float32)
    found = Trees(0.0, nodes).predict(around[None])
    assert found.tolist() == np.where(around.astype(np.float64) > third, 1.0, -1.0).tolist()


@pytest.mark.parametrize("spoil", ["loop", "no leaf", "many leaves", "nan"])
def test_what_is_no_tree_is_refused(spoil):
    nodes = np.array([[0, 0, 0.5, 0, 1, 2, 0, 0], [0, 0, 0, 0, 0, 0, -1, 1], [0, 0, 0, 0, 0, 0, 1, 1]])
    match spoil:
        case "loop":
            nodes[0, 4] = 0
        case "no leaf":
            nodes[:, 7] = 0
        case "many leaves":
            nodes = np.repeat(nodes, 20, axis=0)
        case "nan":
            nodes[0, 2] = np.nan
    with pytest.raises(BadTrees):
        Trees(0.0, nodes).predict(np.zeros((1, 3), dtype=np.float32))


def trained() -> dict[str, TrainedClass]:
    return forecast_fleet(fleet()).trained


def test_a_stored_model_gives_the_same_forecast_to_the_last_bit():
    fresh = forecast_fleet(fleet())
    assert set(fresh.trained) == {"load", "pv", "ev"}
    stored = {}
    for name, one in fresh.trained.items():
        parameters, numbers = to_numbers(one)
        stored[name] = from_numbers(json.loads(json.dumps(parameters)), np.frombuffer(numbers.tobytes()))
    again = forecast_fleet(fleet(), stored=stored)
    assert not again.trained
    for name in ("mean_kw", "quantiles_kw", "held_mean_kw"):
        assert np.array_equal(getattr(fresh, name), getattr(again, name))


def test_a_model_of_last_week_serves_today():
    last_week = trained()
    today = replace(fleet(), seed=99)
    served, fitted = forecast_fleet(today, stored=last_week), forecast_fleet(today)
    assert not np.array_equal(served.mean_kw, fitted.mean_kw)
    assert np.abs(served.mean_kw - fitted.mean_kw).mean() < 0.05 * np.abs(fitted.mean_kw).mean()


@pytest.mark.parametrize("how", ["form", "features", "nodes", "columns", "missing"])
def test_a_model_that_must_not_be_used_says_why(how):
    parameters, numbers = to_numbers(trained()["load"])
    match how:
        case "form":
            parameters["format"] = 0
        case "features":
            parameters["features"] = "of another version"
        case "nodes":
            numbers = numbers[:-8]
        case "columns":
            parameters["columns"] = parameters["columns"][:1]
        case "missing":
            del parameters["baselines"]
    with pytest.raises(UnusableModel):
        from_numbers(parameters, numbers)


def test_a_model_whose_weather_is_not_there_is_fitted_anew():
    with_weather = {name: replace(one, weather=("temperature_c",)) for name, one in trained().items()}
    found = forecast_fleet(fleet(), stored=with_weather)
    assert set(found.trained) == set(with_weather)
    assert "temperature_c" in found.unusable["load"]


def test_two_processes_say_what_one_says(monkeypatch):
    monkeypatch.setattr(fleet_kernel, "PART_SERIES", 3)
    alone = forecast_fleet(fleet())
    with Workers(2) as workers:
        together = forecast_fleet(fleet(), workers=workers)
    for name in ("mean_kw", "quantiles_kw", "held_mean_kw", "feeder_kw"):
        assert np.array_equal(getattr(alone, name), getattr(together, name))
    assert alone.summary == together.summary and alone.flags == together.flags
