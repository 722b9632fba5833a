"""Where a SunSpec device is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """HOST:PORT/UNIT."""

    host: str
    port: int
    unit: int

    @classmethod
    def parse(cls, text: str) -> Address:
        place, _, unit = text.partition("/")
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"want HOST:PORT/UNIT, got {text!r}")
        return cls(host, int(port), int(unit or 1))
