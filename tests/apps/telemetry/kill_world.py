"""A service of its own processes that can be killed: database, two web processes, a gateway, and a broker that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.processes import ROOT, wait_until
from tests.servers import free_port
from vpp.lib.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError

SET_UP = """
import django; django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories import make_client, make_device, make_site
from vpp.accounts.models import Participant
site = make_site(code="home")
for place in range({devices}):
    make_device(site=site, code=f"d{{place}}", max_consumption_kw=1e6, max_production_kw=1e6)
print(make_client(kind=Participant.Kind.AGGREGATOR, scopes=("telemetry:write",))[1])
"""


class World:
    """`components` by name; each can be killed without warning and is started again at once."""

    def __init__(self, folder: Path, broker: int, devices: int) -> None:
        self.server = EmbeddedPostgres(folder)
        self.url = self.server.ensure_running()
        self.environment = os.environ | {
            "DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "vpp.settings", "VPP_DATA_DIR": str(folder)
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", SET_UP.format(devices=devices)],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.token = done.stdout.split()[-1]
        self.ports = {"web-1": free_port(), "web-2": free_port()}
        self.commands = {name: ("web", "--bind", f"127.0.0.1:{port}") for name, port in self.ports.items()} | {
            "gateway": ("gateway", "--url", f"mqtt://127.0.0.1:{broker}", "--client-id", "killed")
        }
        self.processes = {name: self._start(name) for name in self.commands}

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *self.commands[name]],
            cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self, name: str) -> None:
        """SIGKILL, then start again."""
        if name == "database":
            self._kill_database()
            return
        self.processes[name].kill()
        self.processes[name].wait()
        self.processes[name] = self._start(name)

    def _kill_database(self) -> None:
        self.end_database()
        self.begin_database()

    def end_database(self) -> None:
        """The server and all of its sessions at once, as when the machine's memory runs out."""
        pid = int((self.server.cluster_dir / "postmaster.pid").read_text().split()[0])
        children = [each for each in _processes() if _state_and_parent(each)[1] == pid]
        for each in (pid, *children):
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                continue
        wait_until(lambda: not any(_runs(each) for each in (pid, *children)))
        (self.server.cluster_dir / "postmaster.pid").unlink(
            missing_ok=True
        )  # else a process not yet reaped counts as it

    def begin_database(self) -> None:
        wait_until(self._database_answers, timeout_s=120)

    def _database_answers(self) -> bool:
        try:
            self.server.ensure_running()
            self.connect().close()
        except (EmbeddedPostgresError, psycopg.OperationalError):
            return False
        return True

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        self.server.release()


def _runs(pid: int) -> bool:
    return _state_and_parent(pid)[0] not in ("", "Z")


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _state_and_parent(pid: int) -> tuple[str, int]:
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    return state, int(parent)
