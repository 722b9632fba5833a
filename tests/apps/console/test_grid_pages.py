"""The drawing of a feeder, and the pages that hold it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.apps.console.makers import page
from vpp.console.queries.grid import elements, peak_interval, picture_data
from vpp.console.schematic import lay_out
from vpp.console.views.grid import tone_of


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
        node_codes=("S",), voltage_pu=np.array([[1.0], [np.nan]]),
    )  # fmt: skip


def test_loadings_become_whole_percents_and_the_fullest_moment_is_shown():
    data = picture_data(screening(), ["00:00", "00:15"])
    assert data["branches"] == {"AB": [50, 70], "AC": [None, None]}
    assert data["transformers"] == {"T": [120, 40]} and data["nodes"] == {"S": [100, None]}
    assert peak_interval(screening()) == 0
    assert [(one["code"], one["interval"]) for one in elements(screening())] == [("T", 0), ("AB", 1)]
    assert [tone_of(value) for value in (None, 10, 61, 81, 101)] == ["unknown", "calm", "busy", "full", "over"]


@pytest.mark.django_db
def test_a_feeder_without_a_forecast_says_so(staff, world):
    assert world.ask.congestion_point.code in page(staff, "/grid/")
    assert "No forecast of this feeder yet" in page(staff, f"/grid/{world.portfolio.feeder_code}/")
    page(staff, "/grid/NONE/", 404)
