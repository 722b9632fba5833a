"""The service's own commands as processes of their own, on the database of the running test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

ROOT = Path(__file__).resolve().parents[1]


def database_url() -> str:
    """The URL of the test's database, for another process."""
    s: dict[str, Any] = connection.settings_dict
    query = f"?host={quote(s['HOST'], safe='')}" if s["HOST"].startswith("/") else ""
    host = "" if query else f"{s['HOST']}:{s['PORT']}" if s["PORT"] else s["HOST"]
    return f"postgresql://{quote(s['USER'])}:{quote(s['PASSWORD'])}@{host}/{s['NAME']}{query}"


def environment(**extra: str) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": database_url(), "PYTHONUNBUFFERED": "1"} | extra


@contextmanager
def running(*command: str, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py COMMAND ...` for as long as the block runs; it is asked to end by SIGTERM and must do so."""
    process = subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=environment(**extra))
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def run(*command: str, timeout_s: float = 240, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def wait_until(
    condition: Callable[[], bool], *, timeout_s: float = 90, about: Callable[[], object] = lambda: ""
) -> None:
    """`about` is told where it does not come true. The limit is for a machine with six things to do at once."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {about()}")
        time.sleep(0.1)
