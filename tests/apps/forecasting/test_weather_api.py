"""Weather over HTTP: kept once with its issue time, from the aggregator's own programs only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from forecasting.models import WeatherForecast
from tests.apps.forecasting.conftest import ISSUE
from tests.factories import make_client

PATH = "/api/v1/weather-forecasts"


def client_of(**about) -> APIClient:
    _, token = make_client(**about)
    return APIClient(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def operator(db) -> APIClient:
    return client_of(scopes=("read", "telemetry:write"))


def body(**other) -> dict:
    return {
        "zone": "DE",
        "issued_at": (ISSUE - timedelta(hours=1)).isoformat(),
        "start": ISSUE.isoformat(),
        "step_minutes": 60,
        "values": {"temperature_c": [20.0] * 48, "ghi_w_per_m2": [0.0] * 48},
    } | other


def test_an_issue_is_stored_once(operator):
    first, again = (operator.post(PATH, body(), format="json") for _ in range(2))
    assert (first.status_code, first.json()) == (201, {"stored": 2})
    assert (again.status_code, again.json()) == (200, {"stored": 0})
    row = WeatherForecast.objects.get(variable="temperature_c")
    assert (row.zone_code, row.issued_at, row.start, len(row.values)) == ("DE", ISSUE - timedelta(hours=1), ISSUE, 48)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"values": {"a": [1.0, 2.0], "b": [1.0]}}, "values"),
        ({"values": {"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}}, "as many values"),
        ({"values": {}}, "values"),
        ({"step_minutes": 7}, "step_minutes"),
        ({"issued_at": "2199-01-01T00:00:00Z"}, "future"),
        ({"start": "tomorrow"}, "start"),
    ],
)
def test_a_bad_request_says_what_is_wrong(operator, wrong, said):
    answer = operator.post(PATH, body(**wrong), format="json")
    assert 400 <= answer.status_code < 500 and said in answer.content.decode()
    assert not WeatherForecast.objects.exists()


@pytest.mark.parametrize(
    "about",
    [{"scopes": ("read",)}, {"kind": "UTILITY", "scopes": ("read", "telemetry:write")}],
    ids=["reader", "utility"],
)
def test_others_are_refused(db, about):
    assert client_of(**about).post(PATH, body(), format="json").status_code == 403
    assert APIClient().post(PATH, body(), format="json").status_code in (401, 403)
