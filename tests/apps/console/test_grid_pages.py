"""The drawing of a feeder, and the pages that hold it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from bidding.grid.envelopes import ensure_envelope
from forecasting.models import Forecast
from telemetry import operations as telemetry
from telemetry.kernels.batch import batch_of
from tests.apps.console.makers import chart_of, client_for, make_user, page, questions_of
from tests.journeys.usecase_world import AT, DAY, EVENING, FEEDER, NOON, FeederWorld, make_feeder_world
from vpp.console.queries.feeder_study import elements, highest_loading
from vpp.console.schematic import lay_out
from vpp.console.study import calculate, picture_of
from vpp.console.study_json import loaded, stored
from vpp.console.views.grid import tone_of, voltage_tone
from vpp.dispatch.models import DeviceStatus
from vpp.enrollment.models import Device
from vpp.jobs import operations as jobs
from vpp.lib import clock
from vpp.network import operations as network


def feeder(open_switch: bool = False) -> Any:
    """Source 0 - transformer - 1 - 2 and 1 - 3; 2 - 3 closes a loop unless its switch is open."""
    closed = np.array([True, True, not open_switch])
    return SimpleNamespace(
        nodes=SimpleNamespace(codes=("S", "A", "B", "C")),
        branches=SimpleNamespace(
            codes=("AB", "AC", "BC"), from_node=np.array([1, 1, 2]), to_node=np.array([2, 3, 3]),
            from_closed=closed, to_closed=np.ones(3, dtype=bool),
        ),
        transformers=SimpleNamespace(codes=("T",), hv_node=np.array([0]), lv_node=np.array([1])),
        sources=SimpleNamespace(node=np.array([0])),
    )  # fmt: skip


@pytest.mark.parametrize("open_switch", [False, True])
def test_each_node_has_a_place_of_its_own_and_each_branch_is_drawn(open_switch):
    drawn = lay_out(feeder(open_switch))
    assert len({(dot.x, dot.y) for dot in drawn.dots}) == 4
    assert [dot.is_source for dot in drawn.dots] == [True, False, False, False]
    assert sorted(dot.x for dot in drawn.dots) == [dot.x for dot in drawn.dots]
    assert {link.code: link.open for link in drawn.links} == {"AB": False, "AC": False, "BC": open_switch, "T": False}
    assert all(0 <= dot.x <= drawn.width and 0 <= dot.y <= drawn.height for dot in drawn.dots)


def screening() -> Any:
    return SimpleNamespace(
        branch_codes=("AB", "AC"), branch_loading_pu=np.array([[0.5, np.inf], [0.7, np.nan]]),
        transformer_codes=("T",), transformer_loading_pu=np.array([[1.2], [0.4]]),
        node_codes=("S",), voltage_pu=np.array([[1.0013], [np.nan]]), violations=[],
    )  # fmt: skip


def test_loadings_become_whole_percents_and_the_fullest_moment_is_shown():
    found = picture_of(screening())
    assert found.loading == {"AB": [50, 70], "AC": [None, None], "T": [120, 40]}
    assert found.voltage == {"S": [1001, None]}
    assert highest_loading(found) == [120, 70]
    kinds = {"AB": "branch", "AC": "branch", "T": "transformer"}
    assert [(one["code"], one["interval"]) for one in elements(found, kinds)] == [("T", 0), ("AB", 1)]
    assert [tone_of(value) for value in (None, 10, 61, 81, 101)] == ["unknown", "calm", "busy", "full", "over"]
    tones = [voltage_tone(value, (900, 1100)) for value in (None, 1000, 905, 1101)]
    assert tones == ["unknown", "calm", "full", "over"]


@pytest.mark.django_db
def test_a_feeder_without_a_forecast_says_so(staff, world):
    assert world.ask.congestion_point.code in page(staff, "/grid/")
    assert "No forecast of this feeder yet" in page(staff, f"/grid/{world.portfolio.feeder_code}/")
    page(staff, "/grid/NONE/", 404)


# --- a feeder with everything: SimBench's rural street with an open tie, an overload in the evening, reverse flow at noon


@pytest.fixture
def street(db) -> FeederWorld:
    cache.clear()
    made = make_feeder_world()
    made.forecast(made.flat(4.0, evening=(EVENING, 13.0), noon=(NOON, -13.5)))
    return made


def metered(street: FeederWorld, kw: float) -> Any:
    """Every site is metered at `kw` from 18:00 to 18:15 local; the moment after it."""
    codes = list(Device.objects.filter(site__feeder_code=FEEDER).order_by("pk").values_list("code", "site__node_code"))
    each = {node: sum(1 for _, other in codes if other == node) for _, node in codes}
    start = DAY.starts()[EVENING.start]
    start_us = round(start.timestamp() * 1e6)
    power = np.repeat([kw / each[node] for _, node in codes], 16)
    batch = batch_of(
        codes=[code for code, _ in codes], device=np.repeat(np.arange(len(codes)), 16),
        time_us=np.tile(start_us + np.arange(16) * 60_000_000, len(codes)), power_kw=power,
    )  # fmt: skip
    later = start + timedelta(minutes=20)
    telemetry.ingest(batch, at=later, principal=None)
    clock.set_simulated(later)
    return later


def feeder_body(client: Any, url: str) -> str:
    """The feeder's page after the worker has made what the first look asked for."""
    page(client, url)
    jobs.run_pending()
    return page(client, url)


def test_the_first_look_asks_for_the_study_and_the_next_shows_it(staff, street):
    url = f"/grid/{FEEDER}/?date={DAY.date}"
    first = staff.get(url)
    assert "is being calculated" in first.content.decode() and "htmx-4.min.js" in first.content.decode()
    waiting = staff.get(url, headers={"X-Live": "1"})
    assert "HX-Refresh" not in waiting.headers
    assert jobs.run_pending() == 1  # two looks, one study
    assert staff.get(url, headers={"X-Live": "1"}).headers["HX-Refresh"] == "true"
    assert "grid-data" in page(staff, url)


def test_a_study_is_the_same_after_it_was_stored(street):
    metered(street, 2.0)
    made = calculate(FEEDER, DAY, clock.now())
    back = loaded(json.loads(json.dumps(stored(made), allow_nan=False)))
    np.testing.assert_equal(asdict(back), asdict(made))


def test_a_study_that_is_made_on_a_clock_behind_its_forecast_knows_that_forecast(staff, street):
    page(staff, f"/grid/{FEEDER}/?date={DAY.date}")
    clock.set_simulated(AT - timedelta(days=30))
    jobs.run_pending()
    clock.set_simulated(AT)
    assert "grid-data" in page(staff, f"/grid/{FEEDER}/?date={DAY.date}")


def test_a_study_that_cannot_be_made_says_why(staff, street):
    moved = Forecast.objects.filter(run__feeder_code=FEEDER).earliest("pk")
    moved.delete()  # a forecast that is written stays as it is
    moved.pk, moved.node_code = None, "NOWHERE"
    moved.save(force_insert=True)
    assert "does not hang on this feeder" in feeder_body(staff, f"/grid/{FEEDER}/?date={DAY.date}")


def test_a_broken_day_shows_its_needs_limits_and_the_room_of_the_grid(staff, street):
    made = ensure_envelope(FEEDER, DAY, AT)
    assert made is not None
    body = feeder_body(staff, f"/grid/{FEEDER}/?date={DAY.date}")
    data = chart_of(body, "grid-data")
    assert max(max(series) for series in data["loading"].values() if None not in series) > 100
    assert 'class="link transformer over"' in body and ' open" data-code="TIE"' in body
    assert "less consumption" in body and "less production" in body and "reverse flow" in body
    assert "May consume more" in body and made.node_codes[0] in body
    assert f"{FEEDER}@1" in body and "imported" in body
    assert "no reading yet" in body
    names = [series["name"] for panel in chart_of(body, "feeder-chart")["panels"] for series in panel["series"]]
    assert "net load, forecast" in names and "the grid bears, up" in names and "net load, metered" not in names


def test_the_metered_picture_stands_beside_the_forecast(staff, street):
    metered(street, 2.0)
    url, place = f"/grid/{FEEDER}/?date={DAY.date}&interval={EVENING.start}", EVENING.start
    forecast = chart_of(feeder_body(staff, url), "grid-data")["loading"]
    body = page(staff, url + "&picture=metered")
    shown = chart_of(body, "grid-data")["loading"]
    transformer = next(code for code in shown if "Trafo" in code)
    assert 0 < shown[transformer][place] < forecast[transformer][place] / 3
    assert shown[transformer][place + 8] is None
    assert "What the sites" in body and "net load, metered" in body


def test_a_switching_is_a_version_with_its_reason(staff, street):
    feeder_body(staff, f"/grid/{FEEDER}/?date={DAY.date}")
    network.switch(FEEDER, {"TIE": (True, True)}, at=AT, actor="dso", reason="maintenance")
    body = feeder_body(staff, f"/grid/{FEEDER}/?date={DAY.date}")
    assert f"{FEEDER}@2" in body and "TIE closed" in body and "maintenance" in body
    assert ' open" data-code="TIE"' not in body


def test_a_feeder_asks_at_most_fifteen_questions(staff, street):
    ensure_envelope(FEEDER, DAY, AT)
    url = f"/grid/{FEEDER}/?date={DAY.date}"
    staff.get("/account/")  # the session notes once a minute that it is used
    assert len(questions_of(staff, url)) <= 15
    jobs.run_pending()
    for asked in (url, "/fleet/feeders/", f"/fleet/feeders/{FEEDER}/"):
        assert len(questions_of(staff, asked)) <= 15, asked


def test_a_drawing_is_one_in_german_too(staff, street):
    """Numbers of an SVG have a point whatever the language; with a comma nothing is drawn."""
    staff.cookies["django_language"] = "de"
    page(staff, url := f"/grid/{FEEDER}/?date={DAY.date}")
    jobs.run_pending()
    for body in (page(staff, url), page(staff, f"/fleet/feeders/{FEEDER}/")):
        assert 'lang="de"' in body and "<circle" in body
        assert re.findall(r'(?:cx|cy|r|d|viewBox|width)="[^"]*\d,\d[^"]*"', body) == []


def test_the_devices_of_a_feeder_are_drawn_where_they_are(staff, street):
    device = Device.objects.filter(site__feeder_code=FEEDER).earliest("pk")
    DeviceStatus.objects.create(device=device, state="SILENT", since=AT, failures=1)
    node = device.site.node_code
    assert FEEDER in page(staff, "/fleet/feeders/")
    body = page(staff, f"/fleet/feeders/{FEEDER}/")
    assert f"feeder={FEEDER}&amp;node={node}" in body and 'class="node over"' in body
    listed = page(staff, f"/fleet/?feeder={FEEDER}&node={node}")
    assert "Matching devices: 4." in listed and device.code in listed
    page(staff, "/fleet/feeders/NONE/", 404)
    street.utility.refresh_from_db()
    planner = client_for(make_user("planner", None, participant=street.utility))
    assert planner.get(f"/grid/{FEEDER}/").status_code == 200
    assert planner.get(f"/fleet/feeders/{FEEDER}/").status_code == 403
