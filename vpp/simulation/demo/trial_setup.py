"""Sets up a small plant on today's date, for trying the service live: enrolment, history, markets, tokens."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from django.conf import settings

from vpp.lib.periods import as_datetime64, interval_starts64
from vpp.simulation.demo.service import NAMES, UTILITY, ensure_tokens, run_command
from vpp.simulation.demo.world import World, exported_world
from vpp.simulation.grids.simbench_export import DEFAULT_GRID
from vpp.simulation.live.worlds import in_data_year
from vpp.simulation.trial import Trial

HISTORY_DAYS = 21
GATEWAY = "trial-gateway"
MARKETS = Path(__file__).resolve().parents[1] / "data" / "trial_markets.json"


def prepare(at: datetime, *, url: str, mqtt: bool, say: Callable[[str], None]) -> Trial:
    """Safe to repeat: what is there stays, history is brought up to `at`."""
    run_command("migrate", "--verbosity", "0")
    folder = Path(settings.DATA_DIR) / "worlds" / DEFAULT_GRID
    world = exported_world(DEFAULT_GRID, folder)
    say(f"grid {DEFAULT_GRID} in {folder}")
    run_command("import_network", str(folder / "network.json"), "--utility", UTILITY, "--name", NAMES[UTILITY])
    run_command("import_markets", str(MARKETS))
    say(run_command("import_sites", str(folder)).replace("\n", "; "))
    _link(world, mqtt=mqtt)
    trial = Trial(url, str(folder), ensure_tokens(Path(settings.DATA_DIR) / "trial_tokens.json"))
    trial.save()
    say(f"{_history(world, at):,} readings of the last {HISTORY_DAYS} days")
    return trial


def _link(world: World, *, mqtt: bool) -> None:
    """All devices behind one gateway, so that MQTT carries them in bulk; over HTTP they are polled."""
    with tempfile.TemporaryDirectory(prefix="vpp-trial-") as folder:
        path = Path(folder) / "links.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("device", "protocol", "address"))
            writer.writerows(
                (row["code"], *(("MQTT", GATEWAY) if mqtt else ("HTTP", "")))
                for row in world.devices
                if row["kind"] != "METER"
            )
        run_command("link_devices", str(path))


def _history(world: World, at: datetime) -> int:
    """Readings up to the last full quarter hour, from the same weekdays of the profiles' year."""
    end = at - timedelta(seconds=at.timestamp() % 900)
    shift = at.date() - in_data_year(at.date())
    start = (end - timedelta(days=HISTORY_DAYS)).replace(hour=0, minute=0)
    power_kw = world.profiles.power_kw(as_datetime64(start - shift), as_datetime64(end - shift))
    with tempfile.TemporaryDirectory(prefix="vpp-trial-") as folder:
        path = Path(folder) / "history.npz"
        times = interval_starts64(start, end, 15)
        codes = np.array(world.profiles.codes)
        np.savez(path, times=times, codes=codes, power_kw=power_kw.T.astype(np.float32))
        run_command("import_readings", str(path), "--quiet")
    return int(power_kw.size)
