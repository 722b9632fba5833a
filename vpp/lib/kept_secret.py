"""Secrets that an installation makes for itself once and keeps beside its data."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path


def kept_secret(path: Path, n_bytes: int) -> str:
    """The secret in a file that its owner alone may read, made on first use.

    Of processes that start at the same moment all get the same one: it is made under a lock, and the file has its name
    only once it is whole.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path.with_name(f"{path.name}.lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                part = path.with_name(f"{path.name}.part")
                write_private(part, secrets.token_urlsafe(n_bytes))
                part.rename(path)
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """A new file that nobody else could read at any moment; one that a killed process left behind is replaced."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
