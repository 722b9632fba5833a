"""What `prepare_trial` leaves for the other terminals: where the service is, the world's folder, tokens."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from vpp.lib.embedded_postgres import default_data_dir
from vpp.simulation.client import HttpRefused

FILE = "trial.json"


@dataclass(frozen=True)
class Trial:
    """tokens: gateway, reader, utility. links: MQTT or HTTP."""

    url: str
    folder: str
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Self | None:
        path = default_data_dir() / FILE
        return cls(**json.loads(path.read_text())) if path.exists() else None

    def save(self) -> None:
        handle = os.open(default_data_dir() / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file, indent=2)

    @property
    def world(self) -> Path:
        return Path(self.folder)


def no_trial() -> Trial:
    return Trial("http://127.0.0.1:8000", "", {"gateway": ""})


def away(error: Exception) -> str:
    """Why the service does not answer as it should, and what to look at."""
    if isinstance(error, HttpRefused) and error.status == 401:
        return (
            f"whoever answers does not know our token ({error}): is it another service on that port?"
            " Start ours elsewhere with serve --bind, and give the same address with --url"
        )
    return f"the service is away: {error}"
