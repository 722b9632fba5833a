"""The whole loop over HTTP: setpoints out, physics, faults, readings in, replacement of what failed."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command

from tests.apps.simulation.world import World, build_world
from vpp.dispatch.models import DeviceStatus, Setpoint
from vpp.lib import clock
from vpp.simulation.kernels.faults import NO_FAULTS, FaultRates

pytestmark = pytest.mark.django_db(transaction=True)

AWARD_KW = 120.0
AWARDED = range(20, 28)
PLAYED = range(32)


def play(world: World, intervals: range = PLAYED) -> np.ndarray:
    """(H,) delivered power, up positive, of the controllable devices, against what they would have done."""
    delivered_kw = np.zeros(world.day.n_intervals)
    for index in intervals:
        start = world.day.starts()[index]
        clock.set_simulated(start)
        call_command("play", at=start, stdout=StringIO())
        if world.runner.answer_setpoints().refused:
            call_command("play", at=start, revision=1, stdout=StringIO())
            world.runner.answer_setpoints()
        clock.set_simulated(start + timedelta(minutes=15))
        assert world.runner.live_and_report().refused == 0
        moved_kw = world.spec.profile_kw[:, index] - world.fleet.state.power_kw
        delivered_kw[index] = moved_kw[world.controllable].sum()
    return delivered_kw


def test_without_faults_the_award_is_delivered_in_every_interval(live_server) -> None:
    world = build_world(
        live_server.url, n_flexible=60, n_loads=20, up_kw=dict.fromkeys(AWARDED, AWARD_KW), faults=NO_FAULTS
    )
    delivered_kw = play(world)
    np.testing.assert_allclose(delivered_kw[list(AWARDED)], AWARD_KW, rtol=0.02)
    assert set(Setpoint.objects.values_list("state", flat=True)) <= {"FOLLOWED", "ACKNOWLEDGED"}


def test_with_many_faults_the_others_make_up_for_the_failed(live_server) -> None:
    rates = FaultRates(0.06, 0.06, 0.06, shortest_intervals=6, longest_intervals=24)
    world = build_world(live_server.url, n_flexible=60, n_loads=0, up_kw=dict.fromkeys(AWARDED, AWARD_KW), faults=rates)
    delivered_kw = play(world)
    assert 0.9 <= delivered_kw[list(AWARDED)].sum() / (AWARD_KW * len(AWARDED)) <= 1.1
    assert DeviceStatus.objects.exclude(state="ONLINE").exists()
    late = world.runner.flush()
    assert late.refused == 0
