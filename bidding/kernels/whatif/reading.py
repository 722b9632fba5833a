"""Reading a JSON object whose every fault is to be named: one list of findings, shared by all its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bidding.kernels.problem import FloatArray

_MISSING = object()


@dataclass(frozen=True)
class Reader:
    """One object of the document at `place`. A wrong value is noted and replaced by a harmless one."""

    raw: dict[str, Any]
    place: str
    findings: list[str]

    @classmethod
    def of(cls, raw: Any, place: str, keys: set[str], findings: list[str] | None = None) -> Reader:
        noted: list[str] = [] if findings is None else findings
        if not isinstance(raw, dict):
            noted.append(f"{place or 'the file'}: not an object")
            raw = {}
        reader = cls(raw, place, noted)
        for key in sorted(raw.keys() - keys):
            reader.finding(str(key), "unknown key")
        return reader

    def finding(self, key: str, text: str) -> None:
        self.findings.append(f"{self.place}.{key}: {text}" if self.place else f"{key}: {text}")

    def is_null(self, key: str) -> bool:
        return self.raw.get(key) is None

    def part(self, key: str, keys: set[str]) -> Reader:
        if key not in self.raw:
            self.finding(key, "missing")
            return Reader({}, key, [])
        return Reader.of(self.raw[key], f"{self.place}.{key}" if self.place else key, keys, self.findings)

    def items(self, key: str, keys: set[str]) -> list[Reader]:
        raw = self.raw.get(key) or []
        if not isinstance(raw, list):
            self.finding(key, "not a list")
            return []
        return [Reader.of(item, f"{key}[{number}]", keys, self.findings) for number, item in enumerate(raw)]

    def unique(self, key: str, names: Sequence[str]) -> None:
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.finding(key, f"{name!r} stands there more than once")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.raw.get(key, default)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            self.finding(key, "missing" if key not in self.raw else f"{value!r} is no text")
            return ""
        return value

    def choice(self, key: str, among: Sequence[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in among:
            self.finding(key, f"{value!r} is none of {', '.join(among)}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.raw.get(key, default)
        if not isinstance(value, bool):
            self.finding(key, f"{value!r} is neither true nor false")
            return default
        return value

    def whole(self, key: str, *, least: int) -> int:
        value = self.number(key, least=least)
        if value != int(value):
            self.finding(key, f"{value:g} is not whole")
        return int(value)

    def number(self, key: str, *, default: float | None = None, **limits: float) -> float:
        value = self.raw.get(key, _MISSING)
        if value is None or value is _MISSING:
            if default is None:
                self.finding(key, "missing" if value is _MISSING else "is null")
                return max(limits.get("least", 1.0), 1.0)
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.finding(key, f"{value!r} is no number")
            return 1.0
        self._within(key, np.array([value], dtype=np.float64), **limits)
        return float(value)

    def series(self, key: str, count: int | None, *, default: FloatArray | None = None, **limits: float) -> FloatArray:
        if self.is_null(key) and default is not None:
            return default
        values = self._numbers(key, 1)
        if count is not None and values.shape != (count,):
            self.finding(key, f"{values.size} values, want {count}")
            return np.zeros(count)
        self._within(key, values, **limits)
        return values

    def series_or_number(self, key: str, count: int, **limits: float) -> FloatArray:
        if isinstance(self.raw.get(key), list):
            return self.series(key, count, default=None, **limits)
        return np.full(count, self.number(key, **limits))

    def table(self, key: str, shape: tuple[int, int], **limits: float) -> FloatArray:
        values = self._numbers(key, 2)
        if values.shape != shape:
            self.finding(key, f"shape {values.shape}, want {shape}")
            return np.zeros(shape)
        self._within(key, values, **limits)
        return values

    def pairs(self, key: str) -> tuple[tuple[float, float], ...]:
        values = self._numbers(key, 2)
        if values.shape[1:] != (2,) or not np.all(np.isfinite(values)):
            self.finding(key, "want a list of [number, number]")
            return ()
        return tuple((float(first), float(second)) for first, second in values)

    def _numbers(self, key: str, dimensions: int) -> FloatArray:
        if key not in self.raw:
            self.finding(key, "missing")
            return np.zeros((0,) * dimensions)
        try:
            values = np.array(self.raw[key], dtype=np.float64)
        except (TypeError, ValueError):
            self.finding(key, "not a regular list of numbers")
            return np.zeros((0,) * dimensions)
        if values.ndim != dimensions:
            self.finding(key, f"{values.ndim} levels of lists, want {dimensions}")
            return np.zeros((0,) * dimensions)
        return values

    def _within(
        self, key: str, values: FloatArray, *, least: float | None = None, above: float | None = None,
        most: float | None = None, below: float | None = None,
    ) -> None:  # fmt: skip
        if not np.all(np.isfinite(values)):
            self.finding(key, "a value is missing")
            return
        for bad, text in (
            (least is not None and np.any(values < least), f"is below {least}"),
            (above is not None and np.any(values <= above), f"is not above {above}"),
            (most is not None and np.any(values > most), f"is above {most}"),
            (below is not None and np.any(values >= below), f"is not below {below}"),
        ):
            if bad:
                self.finding(key, text)
