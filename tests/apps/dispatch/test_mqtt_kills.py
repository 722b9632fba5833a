"""Database, loop, gateway and broker killed at random: no device acts on an older command or twice, none is forgotten.

VPP_THOROUGH=1 or VPP_KILLS make it longer, VPP_KILL_SEED another; a kill takes two to three seconds.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.apps.dispatch.kill_world import DEVICES, UP_KW, Devices, Plant
from tests.effort import how_many
from tests.processes import ROOT, wait_until
from tests.servers import MOSQUITTO, missing

KILLS = how_many("VPP_KILLS", usual=4, thorough=20)
SEED = int(os.environ.get("VPP_KILL_SEED", "11"))
NEWEST = """
SELECT DISTINCT ON (s.device_id) d.code, s.target_kw, s.state, s.released FROM dispatch_setpoint s
  JOIN enrollment_device d ON d.id = s.device_id ORDER BY s.device_id, s.interval_start DESC, s.sequence DESC
"""


@pytest.mark.slow(seconds=30)
@pytest.mark.broker
def test_whoever_is_killed_no_command_is_lost_and_none_acts_twice() -> None:
    if not MOSQUITTO.exists():
        missing("mosquitto")
    folder = Path(tempfile.mkdtemp(prefix="vpp-kills-"))
    folder.chmod(0o711)
    plant = Plant(folder)
    devices = Devices(plant.port)
    try:
        plant.works("gateway")
        _start_while_the_database_is_away(plant)
        _kill_at_random(plant, random.Random(SEED))  # noqa: S311
        plant.works("gateway")
        plant.processes["loop"].kill()
        wait_until(lambda: {row[2] for row in plant.rows(NEWEST)} == {"ACKNOWLEDGED"}, timeout_s=120)
        _check(plant, devices)
    finally:
        devices.stop()
        plant.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _start_while_the_database_is_away(plant: Plant) -> None:
    """A gateway and a control loop that come up before their database wait for it; then the gateway leads."""
    plant.end_database()
    plant.kill("gateway")
    play = subprocess.Popen(
        [sys.executable, "manage.py", "play", "--every", "1"], cwd=ROOT, env=plant.environment, stderr=subprocess.PIPE
    )
    assert play.stderr is not None
    try:
        assert "the database is away" in play.stderr.readline().decode()
        plant.begin_database()
        plant.works("gateway")
        assert play.poll() is None
    finally:
        play.terminate()
        assert play.wait(30) == 0


def _kill_at_random(plant: Plant, rng: random.Random) -> None:
    """Of ten, three hit the database and as many the broker, which are soon back; two each the loop and the gateway."""
    share = max(KILLS // 5, 1)
    victims = ["loop"] * share + ["gateway"] * share
    victims += [("database", "broker")[place % 2] for place in range(KILLS - len(victims))]
    rng.shuffle(victims)
    for victim in victims:
        time.sleep(rng.uniform(0.05, 0.5))
        plant.works(victim)
        plant.kill(victim)


def _check(plant: Plant, devices: Devices) -> None:
    newest = plant.rows(NEWEST)
    assert len(newest) == DEVICES
    assert sum(target for _, target, _, released in newest if not released) == pytest.approx(-UP_KW), "still promised"
    for device, acted in devices.acted.items():
        keys = [key for _, key in acted]
        assert keys == sorted(set(keys)), f"{device} acted on something older, or twice"
        ids = [number for number, _ in acted]
        assert len(ids) == len(set(ids))
    assert all(datetime.fromisoformat(expires).timestamp() > at for _, _, _, expires, at in devices.heard)
    heard = {number for _, number, *_ in devices.heard}
    answered = plant.rows("SELECT id FROM dispatch_setpoint WHERE state IN ('ACKNOWLEDGED', 'REFUSED')")
    assert {row[0] for row in answered} <= heard, "nobody answered for a device"
    last = {device: acted[-1][0] for device, acted in devices.acted.items()}
    of_newest = plant.rows(NEWEST.replace("d.code, s.target_kw, s.state, s.released", "d.code, s.id"))
    assert last == dict(of_newest), "each device does what was asked of it last"
