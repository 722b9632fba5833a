"""No plan and no control cycle moves a feeder beyond what its transformer bears."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_device, make_portfolio
from vpp.dispatch import grid_room, operations
from vpp.dispatch.models import Shortfall
from vpp.enrollment.models import Site
from vpp.enrollment.queries import device_table
from vpp.network.queries import FeederLimits

pytestmark = pytest.mark.django_db


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Import and export limits per feeder, kW, instead of an imported grid."""
    limits_kw: dict[str, float] = {}

    def known(code: str, day: Any) -> FeederLimits:
        series = np.full(day.n_intervals, limits_kw.get(code, np.inf))
        return FeederLimits(code, series, series.copy())

    monkeypatch.setattr(grid_room, "feeder_limits", known)
    return limits_kw


def test_a_plan_and_its_cycles_stay_inside_the_feeder_and_name_it_as_the_limit(limited: dict[str, float]) -> None:
    played = PlayedDay(4, up_kw=20.0, until=44)
    Site.objects.update(feeder_code="LV1")
    limited["LV1"] = 12.0
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(0))
    assert plan.residual_kw[40] == pytest.approx(8.0)
    assert Shortfall.objects.filter(plan=plan, limit="FEEDER").count() == 4
    cycle = played.cycle(40)
    assert cycle.placed_up_kw == pytest.approx(12.0)
    missing = Shortfall.objects.get(cycle=cycle, device=None)
    assert (missing.limit, missing.shortfall_kw) == ("FEEDER", pytest.approx(8.0))
    assert "feeder LV1 bears 12.0 kW" in missing.reason


def test_portfolios_of_one_feeder_share_its_room_by_their_rating(limited: dict[str, float]) -> None:
    played = PlayedDay(3, up_kw=9.0)
    make_portfolio(devices=[make_device()])
    Site.objects.update(feeder_code="LV1")
    limited["LV1"] = 40.0
    table = device_table(portfolio_id=played.portfolio.pk, at=played.start(0))
    idle_kw = np.zeros((3, played.day.n_intervals))
    room = grid_room.grid_room(table, idle_kw, played.day, played.start(0))
    assert room.at(40)[0].up_kw[0] == pytest.approx(30.0)


def test_a_feeder_nobody_knows_limits_nothing() -> None:
    played = PlayedDay(2, up_kw=9.0)
    table = device_table(portfolio_id=played.portfolio.pk, at=played.start(0))
    room = grid_room.grid_room(table, np.zeros((2, played.day.n_intervals)), played.day, played.start(0))
    assert room.kinds == ()
