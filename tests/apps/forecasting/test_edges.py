"""The job and the API of forecasting."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from forecasting.actors import RUN, RUN_ALL_ZONES, enqueue_forecast
from forecasting.models import ForecastRun
from forecasting.operations import run_forecast
from tests.apps.forecasting.conftest import DAY, ISSUE
from tests.factories import make_client
from vpp.accounts import operations as accounts
from vpp.jobs import operations as jobs
from vpp.jobs.handlers import HANDLERS, SCHEDULES
from vpp.jobs.models import Job
from vpp.lib import clock


def client_of(token: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def forecast(zone):
    clock.set_simulated(ISSUE)
    run_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    return zone


def test_the_job_makes_the_runs_once(zone):
    clock.set_simulated(ISSUE)
    job = enqueue_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE)
    assert enqueue_forecast(zone_code="DE", delivery_date=DAY, at=ISSUE).pk == job.pk
    jobs.run_pending()
    job.refresh_from_db()
    assert (job.state, job.result) == ("DONE", {"runs": 2, "degraded": 0})
    assert ForecastRun.objects.count() == 2


def test_every_morning_asks_for_a_forecast_of_every_zone_once(zone):
    schedule = SCHEDULES[RUN_ALL_ZONES]
    assert (schedule.local_time.isoformat(), schedule.payload("2016-07-13")) == (
        "09:15:00",
        {"delivery_date": "2016-07-14"},
    )
    for _ in range(2):
        HANDLERS[schedule.kind].run(at=ISSUE, **schedule.payload("2016-07-13"))
    assert [job.payload["zone_code"] for job in Job.objects.filter(kind=RUN)] == ["DE"]


def test_a_utility_sees_its_own_feeder(forecast):
    _, token = accounts.create_client(participant=forecast.utility, name="dso", scopes=("read",), at=ISSUE)
    answer = client_of(token).get("/api/v1/forecasts", {"feeder": "LV1", "date": DAY.isoformat()})
    assert answer.status_code == 200
    body = answer.json()
    assert len(body["mean_kw"]) == len(body["interval_start"]) == len(body["quantiles_kw"]) == 96
    assert [node["node"] for node in body["nodes"]] == ["N0", "N1", "N2", "N3"]


def test_nobody_else_sees_it(forecast):
    for kind in ("UTILITY", "OWNER", "MARKET"):
        _, token = make_client(kind=kind)
        answer = client_of(token).get("/api/v1/forecasts", {"feeder": "LV1", "date": DAY.isoformat()})
        assert (answer.status_code, answer.json()["code"]) == (404, "no_forecast")


def test_a_bad_date_is_refused_and_an_unknown_caller_too(forecast):
    _, token = make_client()
    assert client_of(token).get("/api/v1/forecasts", {"feeder": "LV1", "date": "tomorrow"}).status_code == 400
    assert APIClient().get("/api/v1/forecasts", {"feeder": "LV1", "date": DAY.isoformat()}).status_code in (401, 403)
