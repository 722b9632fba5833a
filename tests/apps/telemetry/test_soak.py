"""The soak in short: two thousand devices at an even pace through a real web process; the long one is a benchmark."""

from __future__ import annotations

import pytest

from tests.benchmarks.telemetry import soak as soaking
from tests.factories import make_client
from tests.processes import environment
from vpp.accounts.models import Participant


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_and_memory_stays_at_an_even_pace():
    codes = soaking.enroll(2_000)
    _, token = make_client(kind=Participant.Kind.AGGREGATOR, scopes=("telemetry:write",))
    soak = soaking.Soak(devices=2_000, seconds=6, rate=4_000, batch=500)
    soaking.run(soak, codes, token, environment(DJANGO_SETTINGS_MODULE="vpp.settings"))
    assert soak.sent > 2_000 + 0.9 * soak.seconds * soak.rate - soak.batch
    assert soaking.lost(soak) == 0
    assert soak.growth_pu < 0.15  # of seconds after the start; the soak proper holds 5 %
