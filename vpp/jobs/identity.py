"""Who holds a lease: host, process and the moment that process began, so that a reused number is not mistaken."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


def _start_ticks(pid: int) -> str:
    """The kernel's start time of a process (field 22 of /proc/PID/stat); empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()  # the name before it may hold blanks
    return "" if fields[0] == "Z" else fields[19]


def this_process() -> str:
    return _identity(os.getpid())


@cache
def _identity(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{_start_ticks(pid)}"


def process_is_dead(identity: str) -> bool:
    """True if it ran on this machine and is gone; a process of another machine counts as living."""
    host, _, rest = identity.rpartition(":")[0].rpartition(":")
    ticks = identity.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdigit():
        return False
    return _start_ticks(int(rest)) != ticks
