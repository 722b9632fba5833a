"""A forecast run: complete, as known then, the same again, resumable."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from forecasting import queries
from forecasting.models import Envelope, Estimator, Forecast, ForecastRun, ScenarioSet
from forecasting.operations import (
    NothingToForecast,
    UnknownZone,
    group_rows,
    record_dispatched,
    run_forecast,
    storing,
)
from tests.apps.forecasting.conftest import DAY, ISSUE, build_zone, store
from tests.factories import ALWAYS, make_device, make_feeder, make_portfolio, make_site
from vpp.enrollment.models import Enrollment
from vpp.lib.periods import DeliveryDay
from vpp.network.models import Node


def numbers(run: ForecastRun) -> dict:
    return {
        (row.scope, row.device_id, row.node_code): (row.mean_kw.tolist(), row.quantiles_kw.tolist())
        for row in run.forecasts.all()
    }


def forget() -> None:
    ForecastRun.objects.all().delete()
    Estimator.objects.all().delete()


def test_it_forecasts_each_portfolio_and_each_feeder(zone):
    runs = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)

    assert [(run.portfolio_id, run.feeder_code, run.state) for run in runs] == [
        (zone.portfolio.pk, "", "OK"),
        (None, "LV1", "OK"),
    ]
    ids, mean_kw = queries.device_baselines_kw(runs[0])
    assert ids.tolist() == sorted(one.pk for one in zone.devices.values())
    assert mean_kw.shape == (len(zone.devices), 96) and np.isfinite(mean_kw).all()
    total = queries.portfolio_forecast(runs[0])
    assert np.allclose(total.mean_kw, mean_kw.sum(axis=0), atol=1e-3)
    assert (np.diff(queries.quantiles_kw(total), axis=1) >= 0).all()


def test_batteries_are_idle_and_pv_is_dark_at_night(zone):
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    ids, mean_kw = queries.device_baselines_kw(run)
    kind = {one.pk: one.kind for one in zone.devices.values()}
    for device_id, row in zip(ids, mean_kw, strict=True):
        if kind[device_id] == "BATTERY":
            assert not row.any()
        if kind[device_id] == "PV":
            assert not row[:20].any() and row[48:56].max() < 0


def test_the_nodes_add_up_to_the_feeder(zone):
    _, run = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    nodes = queries.node_injections_kw("LV1", DAY, ISSUE)
    total = run.forecasts.get(scope=Forecast.Scope.FEEDER)
    assert sorted(nodes) == ["N0", "N1", "N2", "N3"]
    assert np.allclose(sum(nodes.values()), total.mean_kw, atol=1e-3)
    assert queries.node_injections_kw("LV1", DAY, ISSUE - timedelta(seconds=1)) == {}


def test_a_repeat_finds_the_same_rows(zone):
    first = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    again = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE + timedelta(hours=1))
    assert [run.pk for run in first] == [run.pk for run in again]
    assert Forecast.objects.filter(run=first[0]).count() == 1 + len(zone.devices)


def test_the_same_inputs_give_the_same_numbers(zone):
    before = [numbers(run) for run in run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)]
    forget()
    after = [numbers(run) for run in run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)]
    assert before == after


def test_a_killed_run_resumes_to_the_same_numbers(zone, monkeypatch):
    whole = [numbers(run) for run in run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)]
    forget()

    def killed(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(storing, "store_feeder", killed)
        run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    assert ForecastRun.objects.count() == 1

    resumed = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE + timedelta(minutes=7))
    assert [numbers(run) for run in resumed] == whole
    assert {run.issue_time for run in resumed} == {ISSUE}


def test_a_run_that_dies_while_storing_leaves_nothing(zone, monkeypatch):
    def killed(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(group_rows, "store_scenarios", killed)
        run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    assert not ForecastRun.objects.exists() and not Forecast.objects.exists()


def test_a_later_correction_is_not_seen(zone):
    before = [numbers(run) for run in run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)]
    forget()
    load = {"d0": zone.devices["d0"]}
    store(load, zone.starts[-96:], {"d0": np.full(96, 11.0)}, at=ISSUE + timedelta(hours=2), correction=True)

    as_known_then = [numbers(run) for run in run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)]
    assert as_known_then == before

    later = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE + timedelta(hours=3), version=2)
    assert numbers(later[0]) != before[0]
    versions = [queries.latest_run(zone.portfolio.pk, DAY, ISSUE + timedelta(hours=hours)) for hours in (1, 4)]
    assert [run and run.version for run in versions] == [1, 2]


def test_dispatched_periods_are_left_out_of_the_training(zone):
    d0 = zone.devices["d0"]
    end = datetime(2016, 7, 12, 22, tzinfo=UTC)
    record_dispatched(device_ids=[d0.pk], periods=[(end - timedelta(days=5), end)], source="award 1", at=end)
    record_dispatched(device_ids=[d0.pk], periods=[(end - timedelta(days=5), end)], source="award 1", at=end)
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    moved = numbers(run)
    forget()
    assert moved != numbers(run_forecast(zone_code="DE", delivery_date=DAY, at=end - timedelta(days=1))[0])


def test_envelopes_hold_the_baseline_and_scenarios_sum_to_one(zone):
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    found = queries.envelopes(run, confidence=0.9)
    assert [one.group for one in found] == ["", "BATTERY", "EV_CHARGER", "HEAT_PUMP", "PV"]
    for one in found:
        assert (one.power_min_kw <= one.baseline_kw + 1e-9).all() and (one.baseline_kw <= one.power_max_kw + 1e-9).all()
        cumulative = np.cumsum(one.baseline_kw) / 4
        assert (one.energy_min_kwh <= cumulative + 1e-6).all() and (cumulative <= one.energy_max_kwh + 1e-6).all()
    assert np.allclose(found[0].baseline_kw, queries.portfolio_forecast(run).mean_kw, atol=1e-3)
    scenarios = queries.scenarios(run)
    assert scenarios.power_kw.shape == (10, 96) and scenarios.probability.sum() == pytest.approx(1)
    assert (scenarios.production_kw <= 0).all()
    assert Envelope.objects.filter(run=run).count() == 10 and ScenarioSet.objects.filter(run=run).exists()


def test_devices_without_readings_get_the_shape_of_their_class_and_are_named(db):
    zone = build_zone()
    newcomer = make_portfolio(code="P2")
    device = make_device(kind="PV", code="new", site=make_site(), max_consumption_kw=0.0, max_production_kw=24.0)
    Enrollment.objects.create(device=device, portfolio=newcomer, period=ALWAYS)
    run = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)[1]
    assert (run.portfolio_id, run.state) == (newcomer.pk, "DEGRADED")
    assert run.fallbacks["devices"]["codes"] == ["new"]
    _, mean_kw = queries.device_baselines_kw(run)
    assert mean_kw.min() < -4 and not mean_kw[0, :16].any()
    assert zone.portfolio.code == "P1"


def test_roofs_at_a_known_place_are_forecast_by_the_sun_before_their_first_reading(db):
    site = make_site(feeder_code="LV1", node_code="N1")
    make_portfolio(devices=[make_device(kind="PV", site=site, max_consumption_kw=0.0, max_production_kw=10.0)])
    position = {"latitude_deg": 53.6, "longitude_deg": 11.4}
    Node.objects.create(code="N1", feeder=make_feeder(code="LV1"), nominal_kv=0.4, **position)
    run = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)[0]
    _, mean_kw = queries.device_baselines_kw(run)
    assert -5.5 < mean_kw.min() < -4 and not mean_kw[0, :16].any() and not mean_kw[0, 90:].any()
    assert run.fallbacks["devices"]["count"] == 1


def test_a_zone_without_any_reading_still_gets_an_answer(db):
    build_zone()
    run, feeder = run_forecast(zone_code="DE", delivery_date=date(2016, 3, 3), at=datetime(2016, 3, 2, 8, tzinfo=UTC))
    assert run.state == feeder.state == "DEGRADED"
    assert not queries.device_baselines_kw(run)[1].any()


@pytest.mark.parametrize(("day", "intervals"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100)])
def test_clock_change_days_have_their_own_length(db, day, intervals):
    issue = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) - timedelta(days=1)
    build_zone(issue=issue, history_days=12)
    run, _ = run_forecast(zone_code="DE", delivery_date=day, at=issue)
    assert DeliveryDay(day, "Europe/Berlin").n_intervals == intervals
    assert queries.device_baselines_kw(run)[1].shape[1] == intervals
    assert queries.envelopes(run)[0].power_min_kw.size == intervals
    assert queries.scenarios(run).power_kw.shape == (10, intervals)


def test_a_late_run_forecasts_as_if_made_before_the_day(zone):
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=datetime(2016, 7, 14, 6, tzinfo=UTC))
    assert run.data_as_of == datetime(2016, 7, 13, 21, 59, tzinfo=UTC)
    assert queries.device_baselines_kw(run)[1].shape[1] == 96


def test_an_unknown_zone_and_an_empty_one_are_refused(db):
    with pytest.raises(UnknownZone):
        run_forecast(zone_code="XX", delivery_date=DAY, at=ISSUE)
    make_portfolio(zone_code="EMPTY")
    with pytest.raises(NothingToForecast):
        run_forecast(zone_code="EMPTY", delivery_date=DAY, at=ISSUE)


def test_arima_parameters_are_kept_for_a_week(zone):
    run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    kept = Estimator.objects.get(kind="SARIMA")
    assert (kept.series_key, kept.version, kept.fitted_at) == ("portfolio:P1", 1, ISSUE)
    next_day = run_forecast(zone_code="DE", delivery_date=DAY + timedelta(days=1), at=ISSUE + timedelta(days=1))
    assert next_day[0].fallbacks["arima"] == "stored parameters"
    assert Estimator.objects.filter(kind="SARIMA").count() == 1


def test_a_curtailed_device_is_not_learned_from_where_it_is_known_that_it_was_curtailed(zone):
    """Two roofs stood still for five days: the one whose dispatch is on record is forecast as it would have been."""
    told, untold = zone.devices["d6"], zone.devices["d7"]
    end = datetime(2016, 7, 13, 6, tzinfo=UTC)
    still = (zone.starts >= np.datetime64("2016-07-08T06:00")) & (zone.starts < np.datetime64("2016-07-13T06:00"))
    for device in (told, untold):
        readings = {device.code: np.zeros(int(still.sum()))}
        store({device.code: device}, zone.starts[still], readings, at=ISSUE - timedelta(minutes=5), correction=True)
    record_dispatched(device_ids=[told.pk], periods=[(end - timedelta(days=5), end)], source="award 1", at=end)
    run, _ = run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    peak = {row.device_id: row.mean_kw.min() for row in run.forecasts.filter(scope="DEVICE")}
    usual = peak[zone.devices["d8"].pk]
    assert peak[told.pk] == pytest.approx(usual, rel=0.15)
    assert peak[untold.pk] > 0.75 * usual  # consumption is positive: less production
