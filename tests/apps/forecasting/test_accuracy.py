"""Delivered days are scored, the board shows them, and a band that drifts raises an alarm."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from prometheus_client import CollectorRegistry, generate_latest

from forecasting import queries
from forecasting.metrics import tell
from forecasting.models import Accuracy, DriftAlarm, Estimator, ForecastRun
from forecasting.operations import record_dispatched, run_forecast, score_day
from forecasting.operations.calibration import band_factors
from forecasting.operations.drift import watch_bands
from tests.apps.forecasting.conftest import DAY, ISSUE, series, store
from vpp.lib.periods import DeliveryDay

DAY_BEFORE = ISSUE - timedelta(days=1)
MORNING_AFTER = ISSUE + timedelta(days=2)


def deliver(zone, *, noise: int = 50) -> None:
    """Readings from the issue to the end of the delivery day."""
    day = DeliveryDay(DAY, "Europe/Berlin")
    from vpp.lib.periods import interval_starts64

    starts = interval_starts64(ISSUE, day.end, 15)
    measured = {code: one for code, one in zone.devices.items() if one.kind != "BATTERY"}
    power_kw = {code: series(one.kind, starts, noise + place) for place, (code, one) in enumerate(measured.items())}
    store(measured, starts, power_kw, at=day.end)


def test_the_board_shows_classes_sums_and_the_worst_series_first(zone):
    run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    deliver(zone)
    assert score_day(zone_code="DE", delivery_date=DAY, at=MORNING_AFTER) == score_day(
        zone_code="DE", delivery_date=DAY, at=MORNING_AFTER
    )
    board = queries.accuracy_board(zone_code="DE")
    assert (board.first_date, board.last_date) == (DAY, DAY)
    assert [one.class_name for one in board.classes] == ["ev", "heat", "load", "pv", "portfolio", "feeder"]
    load = board.classes[2]
    assert (load.series, load.days, load.rung_share) == (6, 1, {"gradient": 1.0})
    assert (
        load.naive_mae_kw
        and 0 < load.mae_kw < load.naive_mae_kw
        and load.mae_ratio == pytest.approx(load.mae_kw / load.naive_mae_kw)
    )
    assert load.crps_kw and load.crps_kw < load.mae_kw and load.coverage and 0.5 < load.coverage <= 1
    ratios = [one.crps_ratio or 0.0 for one in board.worst]
    assert ratios == sorted(ratios, reverse=True) and len(board.worst) == 14 + 2
    assert queries.accuracy_board(zone_code="FR").classes == []


def test_what_the_plant_moved_is_not_scored(zone):
    run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    deliver(zone)
    day = DeliveryDay(DAY, "Europe/Berlin")
    moved = zone.devices["d6"]
    record_dispatched(
        device_ids=[moved.pk], periods=[(day.start, day.start + timedelta(hours=6))], source="x", at=day.end
    )
    score_day(zone_code="DE", delivery_date=DAY, at=MORNING_AFTER)
    assert Accuracy.objects.get(device=moved).intervals == 72
    assert Accuracy.objects.get(device=zone.devices["d7"]).intervals == 96


def test_a_day_without_readings_or_forecast_is_not_scored(zone):
    assert score_day(zone_code="DE", delivery_date=DAY, at=MORNING_AFTER) == 0
    run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    assert score_day(zone_code="DE", delivery_date=DAY, at=MORNING_AFTER) == 0


def _covered(day: date, coverage: float) -> None:
    Accuracy.objects.create(
        zone_code="DE", delivery_date=day, day_type=0, scope="CLASS", class_name="load", series=3, intervals=288,
        mae_kw=1.0, coverage=coverage, available_at=MORNING_AFTER,
    )  # fmt: skip
    watch_bands("DE", day)


def test_an_alarm_opens_once_and_closes_when_the_band_is_back(db):
    for place, coverage in enumerate((0.5, 0.5, 0.5, 0.55)):
        _covered(DAY + timedelta(days=place), coverage)
    alarm = DriftAlarm.objects.get()
    assert (alarm.begin_date, alarm.end_date) == (DAY + timedelta(days=2), None)
    assert queries.accuracy_board().classes[0].drifting
    registry = CollectorRegistry()
    tell(registry, MORNING_AFTER)
    assert b'vpp_forecast_drift_alarms{class_name="load",zone="DE"} 1.0' in generate_latest(registry)
    for place in range(4, 10):
        _covered(DAY + timedelta(days=place), 0.85)
    alarm.refresh_from_db()
    assert alarm.end_date is not None and not queries.accuracy_board().open_alarms


def test_bands_widen_after_days_that_covered_too_little_and_weekends_are_apart(zone):
    narrow, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    before = {row.device_id: row.quantiles_kw.reshape(-1, 3) for row in narrow.forecasts.filter(scope="DEVICE")}
    for place in range(3):
        _covered(DAY - timedelta(days=9 - place), 0.3)
    Accuracy.objects.update(available_at=ISSUE)
    assert band_factors("DE", DAY, day_type=0, as_of=ISSUE) == {"load": 1.8}
    assert (
        band_factors("DE", DAY, day_type=1, as_of=ISSUE) == band_factors("DE", DAY, day_type=0, as_of=DAY_BEFORE) == {}
    )
    ForecastRun.objects.all().delete()
    Estimator.objects.all().delete()
    wide, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    load, roof = zone.devices["d0"].pk, zone.devices["d6"].pk
    after = {row.device_id: row.quantiles_kw.reshape(-1, 3) for row in wide.forecasts.filter(scope="DEVICE")}
    assert np.ptp(after[load], axis=1).mean() > 1.4 * np.ptp(before[load], axis=1).mean()
    assert after[roof] == pytest.approx(before[roof], abs=1e-4)
    assert wide.model_versions["classes"]["load"]["adapted"] == 1.8


def test_stored_devices_are_backtested(zone, capsys):
    deliver(zone)
    day = DAY.isoformat()
    call_command("backtest", "--series", "d0", "d6", "--from", day, "--to", day)
    shown = capsys.readouterr().out
    assert "pv d6" in shown and "d0" in shown
    with pytest.raises(CommandError, match="no device nobody"):
        call_command("backtest", "--series", "nobody", "--from", day, "--to", day)
    with pytest.raises(CommandError, match="name a folder"):
        call_command("backtest", "--from", day, "--to", day)
