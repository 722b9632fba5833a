"""Delivered days are scored, the board shows them, and a band that drifts raises an alarm."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from forecasting import queries
from forecasting.metrics import tell
from forecasting.models import Accuracy, DriftAlarm
from forecasting.operations import record_dispatched, run_forecast, score_day
from forecasting.operations.scoring import watch_bands
from tests.apps.forecasting.conftest import DAY, ISSUE, series, store
from vpp.lib.periods import DeliveryDay

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
