"""An award that the feeder's head could carry and its nodes could not: dispatch keeps every voltage in its band."""

from __future__ import annotations

import numpy as np
import pytest

from bidding.grid import envelopes
from bidding.grid.injections import feeder_day
from tests.apps.settlement.makers import make_award
from tests.journeys.usecase_world import AT, DAY, FEEDER, FeederWorld, make_feeder_world
from vpp.dispatch import grid_room, operations, plan_rows
from vpp.dispatch.models import Plan, Shortfall
from vpp.enrollment.models import Device
from vpp.network import operations as network
from vpp.network.models import CongestionPoint, Transformer

pytestmark = [pytest.mark.django_db, pytest.mark.slow(seconds=20)]
HOUR = 48  # noon, when the sun already lifts the voltage
WANTED_KW = 260.0  # the nodes bear 235 of it


@pytest.fixture
def world() -> FeederWorld:
    world = make_feeder_world(pv=False)
    world.narrow_band(0.95, 1.02)
    CongestionPoint.objects.update(limit_kw=10_000.0)
    Transformer.objects.filter(feeder__code=FEEDER).update(rated_kva=10_000.0)
    world.forecast(world.flat(2.0, noon=(slice(HOUR, HOUR + 4), -4.0)))
    make_award(world.portfolio, day=DAY.date, up=dict.fromkeys(range(HOUR, HOUR + 4), WANTED_KW))
    return world


def moved_by_node(plan: Plan) -> dict[str, np.ndarray]:
    """(H,) kW that the plan moves each node by, consumption positive."""
    device_id, baseline_kw, target_kw = plan_rows.read(plan.pk, DAY.n_intervals)
    node_of = dict(Device.objects.values_list("pk", "site__node_code"))
    moved: dict[str, np.ndarray] = {}
    for device, change_kw in zip(device_id.tolist(), target_kw - baseline_kw, strict=True):
        node = node_of[device]
        moved[node] = moved.get(node, np.zeros(DAY.n_intervals)) + change_kw
    return moved


def broken_nodes(plan: Plan) -> set[str]:
    """Nodes out of their band in the promised hour, with the plan on top of the forecast."""
    known, moved = feeder_day(FEEDER, DAY, AT, with_firm=False), moved_by_node(plan)
    at_node = {code: known.p_kw[:, column] + moved.get(code, 0.0) for code, column in known.model.node_index.items()}
    found = network.screen(FEEDER, at_node, DAY.starts64(), AT).violations
    return {one.element_code for one in found if HOUR <= one.interval < HOUR + 4}


def test_a_plan_keeps_the_voltage_where_the_award_would_have_broken_it(
    world: FeederWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = operations.plan_day(world.portfolio.pk, DAY.date, AT)
    room = envelopes.node_room_kw({FEEDER}, DAY, AT)
    for node, change_kw in moved_by_node(plan).items():
        assert -change_kw[HOUR] <= room[node][0][HOUR] + 1e-6
    assert broken_nodes(plan) == set()
    assert plan.state == Plan.State.DEGRADED and plan.residual_kw[HOUR] > 10.0
    told = Shortfall.objects.filter(plan=plan, interval_start=DAY.starts()[HOUR])
    assert {row.limit for row in told} == {"NODE"}
    assert sum(row.shortfall_kw for row in told) == pytest.approx(plan.residual_kw[HOUR])
    assert all(any(f"node {node} bears" in row.reason for node in world.nodes) for row in told)
    other = Plan.objects.get(pk=plan.pk)  # a plan for no award is followed by another one
    other.pk, other.version, other.award_ids = None, plan.version + 1, []
    other.save(force_insert=True)
    monkeypatch.setattr(grid_room, "node_room_kw", lambda *_: {})
    blind = operations.plan_day(world.portfolio.pk, DAY.date, AT)
    assert blind.residual_kw[HOUR] == pytest.approx(0.0) and broken_nodes(blind), "the same award without the limits"
