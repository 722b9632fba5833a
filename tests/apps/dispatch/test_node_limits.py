"""What single nodes bear bounds plans and control cycles, and a shortfall names them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_congestion_point, make_device, make_portfolio
from vpp.dispatch import grid_room, operations
from vpp.dispatch.models import Shortfall
from vpp.enrollment.models import Site
from vpp.enrollment.queries import device_table
from vpp.network import topology
from vpp.network.models import TopologyVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Room of nodes both ways, kW, instead of envelopes that were calculated on a grid."""
    room_kw: dict[str, float] = {}

    def known(feeder_codes: Any, day: Any, at: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {code: (np.full(day.n_intervals, kw), np.full(day.n_intervals, kw)) for code, kw in room_kw.items()}

    monkeypatch.setattr(grid_room, "node_room_kw", known)
    return room_kw


def at_nodes(played: PlayedDay, *codes: str) -> None:
    for device, code in zip(played.devices, codes, strict=True):
        Site.objects.filter(pk=device.site_id).update(node_code=code, feeder_code="LV1")


def test_the_others_take_over_what_a_full_node_cannot_bear(limited: dict[str, float]) -> None:
    played = PlayedDay(4, up_kw=20.0)
    at_nodes(played, "N1", "N1", "N2", "N3")
    limited["N1"] = 3.0
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(0))
    assert plan.residual_kw[40] == pytest.approx(0.0)
    played.cycle(40)
    targets = played.targets(40)
    assert sum(targets.values()) == pytest.approx(-20.0)
    assert targets.get(played.devices[0], 0.0) + targets.get(played.devices[1], 0.0) >= -3.0


def test_a_commitment_that_a_node_stops_is_short_and_the_rows_name_node_interval_and_kilowatts(
    limited: dict[str, float],
) -> None:
    played = PlayedDay(3, up_kw=24.0, until=42)
    at_nodes(played, "N1", "N1", "N2")
    limited |= {"N1": 3.5}
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(0))
    planned = list(Shortfall.objects.filter(plan=plan).order_by("interval_start"))
    assert [row.interval_start for row in planned] == [played.start(40), played.start(41)]
    assert {(row.limit, round(row.shortfall_kw, 3)) for row in planned} == {("NODE", 10.5)}
    cycle = played.cycle(40)
    row = Shortfall.objects.get(cycle=cycle)
    assert (row.limit, row.interval_start) == ("NODE", played.start(40))
    assert row.shortfall_kw == pytest.approx(cycle.residual_up_kw) == pytest.approx(10.5)
    assert "node N1 bears 3.5 kW" in row.reason


def test_portfolios_at_one_node_share_its_room_by_their_rating(limited: dict[str, float]) -> None:
    played = PlayedDay(3, up_kw=9.0)
    at_nodes(played, "N1", "N1", "N1")
    beside = make_device()
    make_portfolio(devices=[beside])
    Site.objects.filter(pk=beside.site_id).update(node_code="N1")
    limited["N1"] = 8.0
    table = device_table(portfolio_id=played.portfolio.pk, at=played.start(0))
    room = grid_room.grid_room(table, np.zeros((3, played.day.n_intervals)), played.day, played.start(0))
    (nodes,) = room.at(40)
    assert (nodes.up_kw[0], nodes.down_kw[0]) == (pytest.approx(6.0), pytest.approx(6.0))
    late = room.at(40, np.array([played.devices[0].pk, beside.pk]))[0]
    assert late.place.tolist() == [0, 1] and np.isinf(late.up_kw[1]), "a device that came later stands nowhere known"


def test_a_switching_inside_the_day_holds_from_the_next_cycle_on(limited: dict[str, float]) -> None:
    played = PlayedDay(3, up_kw=24.0)
    at_nodes(played, "N1", "N1", "N2")
    feeder = make_congestion_point().feeder
    Site.objects.update(feeder_code=feeder.code)
    operations.plan_day(played.portfolio.pk, played.day.date, played.start(0))
    assert played.cycle(40).placed_up_kw == pytest.approx(24.0)
    limited["N1"] = 3.5
    topology.add(feeder, {}, at=played.start(41), cause=TopologyVersion.Cause.SWITCHING, reason="fault")
    cycle = played.cycle(41)
    assert (cycle.placed_up_kw, cycle.residual_up_kw) == (pytest.approx(13.5), pytest.approx(10.5))
    assert Shortfall.objects.get(cycle=cycle, device=None).limit == "NODE"
