"""How much the tests of many cases and many kills do: a share of it in every run, all of it with VPP_THOROUGH=1."""

from __future__ import annotations

import os

THOROUGH = os.environ.get("VPP_THOROUGH") == "1"


def how_many(name: str, *, usual: int, thorough: int) -> int:
    """What the environment variable `name` says, or else the number for this kind of run."""
    return int(os.environ.get(name) or (thorough if THOROUGH else usual))
