"""What is missing, stale or broken is a named error or a flagged fallback: never silence, never a bid above capability."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from bidding import operations, queries
from bidding.errors import NoAnswer
from bidding.kernels import solver
from bidding.kernels.solver import SolverFailed, Status
from bidding.models import Bid, NightlyRun, PlannedDay
from bidding.operations.whatif import what_if
from forecasting.models import Forecast, ForecastRun
from tests.apps.bidding.world import make_forecast
from tests.factories import make_device, make_site
from tests.kernels.bidding.whatif_cases import battery_day
from vpp.enrollment.models import Device, Enrollment

pytestmark = pytest.mark.django_db


def night(world) -> tuple[NightlyRun, str]:
    run = operations.nightly(zone_code="DE", delivery_date=world.day.date, at=world.at)
    assert queries.book_check(world.day.date) == []
    return run, " ".join(text for step in run.steps.all() for text in step.detail.get("findings", []))


def test_a_stale_forecast_is_flagged(world):
    stale_at = world.at - timedelta(hours=60)
    Forecast.objects.all().delete()
    ForecastRun.objects.all().delete()
    make_forecast(world.portfolio, world.day, stale_at)
    run, findings = night(world)
    assert run.state == NightlyRun.State.DEGRADED and "the forecast is 60 hours old" in findings


def test_without_a_forecast_only_storages_are_offered(world, monkeypatch):
    from forecasting import operations as forecasting
    from vpp.lib.errors import DomainError

    def fail(**_):
        raise DomainError("no history")

    monkeypatch.setattr(forecasting, "run_forecast", fail)
    Forecast.objects.all().delete()
    ForecastRun.objects.all().delete()
    run, findings = night(world)
    assert run.state == NightlyRun.State.DEGRADED
    assert "forecast: no history" in findings and "only storages are offered" in findings
    batteries_kw = sum(Device.objects.filter(kind="BATTERY").values_list("max_production_kw", flat=True))
    assert 0 < max(PlannedDay.objects.get().capacity_up_kw) <= batteries_kw


def test_a_device_without_rating_is_named_and_not_offered(world):
    site = make_site(feeder_code=world.point.feeder.code, node_code="n1")
    device = make_device(site=site, code="unrated", max_consumption_kw=0.0, max_production_kw=0.0)
    with pytest.raises(IntegrityError, match="battery_has_a_capacity"), transaction.atomic():
        make_device(site=site, code="empty", energy_capacity_kwh=0.0)
    always = Enrollment.objects.filter(portfolio=world.portfolio).first().period
    Enrollment.objects.create(device=device, portfolio=world.portfolio, period=always)
    _, findings = night(world)
    assert "1 devices have no rating and are not offered: unrated" in findings
    rated_kw = sum(
        Device.objects.filter(kind="BATTERY").exclude(code="unrated").values_list("max_production_kw", flat=True)
    )
    assert max(PlannedDay.objects.get().capacity_up_kw) <= rated_kw + 20.0  # and ten heat pumps of 2 kW


def no_solver() -> str:
    raise SolverFailed(Status.NO_SOLUTION, "neither highspy nor CBC can be started")


def test_without_any_solver_the_fallback_is_sent_and_the_reason_is_on_the_run(world, monkeypatch):
    monkeypatch.setattr(solver, "available_engine", no_solver)
    run, findings = night(world)
    assert run.state == NightlyRun.State.DEGRADED and "neither highspy nor CBC can be started" in findings
    assert PlannedDay.objects.get().kind == PlannedDay.Kind.FALLBACK
    assert set(Bid.objects.values_list("state", flat=True)) == {Bid.State.SUBMITTED}


def test_without_any_solver_a_what_if_is_a_named_refusal(monkeypatch):
    monkeypatch.setattr(solver, "available_engine", no_solver)
    with pytest.raises(NoAnswer, match="neither highspy nor CBC") as refused:
        what_if(battery_day("positive"))
    assert refused.value.code == "no_answer"


def test_a_solver_that_lies_is_not_believed(world, monkeypatch):
    """Points beyond every bound under the name of optimal: the run sends its fallback."""
    from dataclasses import replace

    from bidding.kernels import engines

    honest = engines._highs_answer

    def lying(model, highs, highspy):
        answer = honest(model, highs, highspy)
        return replace(answer, values=answer.values + 1e3) if answer.values.size else answer

    monkeypatch.setattr(engines, "_highs_answer", lying)
    _, findings = night(world)
    assert "fallback bid" in findings and "findings, first" in findings
    assert PlannedDay.objects.get().kind == PlannedDay.Kind.FALLBACK
