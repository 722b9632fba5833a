"""Estimators are kept by version, serve for a week, and can be rolled back to give the numbers of before."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from forecasting.models import Estimator, ForecastRun
from forecasting.operations import NothingToRollBack, roll_back, run_forecast
from tests.apps.forecasting.conftest import DAY, ISSUE
from vpp.lib import clock

LOAD = "gradient:DE:load"


def forecast(version: int, *, days: int = 0) -> ForecastRun:
    return run_forecast(
        zone_code="DE",
        delivery_date=DAY + timedelta(days=days),
        at=ISSUE + timedelta(days=days, minutes=version - 1),
        version=version,
    )[0]


def devices(run: ForecastRun) -> dict:
    rows = run.forecasts.filter(scope="DEVICE").exclude(device__kind="BATTERY")
    return {row.device_id: row.challenger_kw.tolist() + row.quantiles_kw.tolist() for row in rows}


def shift_trees(key: str) -> None:
    """A second version whose leaves say something else, as a fit on other data would."""
    first = Estimator.objects.get(series_key=key)
    nodes = first.numbers.reshape(-1, 8).copy()
    nodes[:, 6] *= 3
    nodes[nodes[:, 7] > 0, 6] += 0.02
    Estimator.objects.create(
        series_key=key, version=2, kind=first.kind, parameters=first.parameters, numbers=nodes,
        data_until=first.data_until, fitted_at=first.fitted_at + timedelta(seconds=1),
    )  # fmt: skip


def test_a_fit_serves_the_week_and_is_named_in_its_runs(zone):
    first = forecast(1)
    kept = Estimator.objects.get(series_key=LOAD)
    assert (kept.version, kept.kind, kept.fitted_at) == (1, "BOOSTED", ISSUE)
    assert first.model_versions["estimators"][LOAD] == 1
    for days in (1, 6):
        assert forecast(1, days=days).model_versions["estimators"][LOAD] == 1
    assert Estimator.objects.filter(series_key=LOAD).count() == 1
    assert forecast(1, days=7).model_versions["estimators"][LOAD] == 2


def test_a_roll_back_gives_the_older_numbers_again(zone, capsys):
    before = devices(forecast(1))
    for key in Estimator.objects.filter(kind="BOOSTED").values_list("series_key", flat=True):
        shift_trees(key)
    newer = forecast(2)
    assert newer.model_versions["estimators"][LOAD] == 2
    assert devices(newer) != before
    clock.set_simulated(ISSUE + timedelta(hours=1))
    for key in Estimator.objects.filter(kind="BOOSTED", version=2).values_list("series_key", flat=True):
        call_command("forecast_models", "roll-back", key)
    assert f"{LOAD} v1 serves again" in capsys.readouterr().out
    older = forecast(3)
    assert older.model_versions["estimators"][LOAD] == 1
    assert devices(older) == before
    call_command("forecast_models", "reinstate", LOAD, "2")
    call_command("forecast_models", "list", "gradient:")
    shown = capsys.readouterr().out
    assert shown.count("v1") == 4 and shown.count("withdrawn") == 3
    assert forecast(4).model_versions["estimators"][LOAD] == 2


def test_what_was_rolled_back_to_serves_for_a_week_before_the_next_fit(zone):
    forecast(1)
    shift_trees(LOAD)
    roll_back(series_key=LOAD, at=ISSUE + timedelta(days=5))
    assert forecast(1, days=11).model_versions["estimators"][LOAD] == 1
    assert forecast(1, days=13).model_versions["estimators"][LOAD] == 3


def test_there_must_be_something_to_go_back_to(zone):
    forecast(1)
    with pytest.raises(NothingToRollBack):
        roll_back(series_key=LOAD, at=ISSUE)
    with pytest.raises(CommandError, match="no version to go back to"):
        call_command("forecast_models", "roll-back", "gradient:DE:nothing")
    with pytest.raises(CommandError, match="not withdrawn"):
        call_command("forecast_models", "reinstate", LOAD, "1")


def test_a_damaged_model_is_named_and_fitted_anew(zone):
    before = devices(forecast(1))
    Estimator.objects.filter(series_key=LOAD).update(numbers=np.zeros(16))
    run = forecast(2)
    assert "stored version 1: damaged" in run.fallbacks["estimators"]["load"]
    assert run.fallbacks["estimators"]["load"].endswith("fitted anew")
    assert run.model_versions["estimators"][LOAD] == 2
    assert devices(run).keys() == before.keys()
