"""Readings as Green Button XML: an Atom feed of NAESB REQ.21 (ESPI) entries that point at each other by their links.

UsagePoint <- MeterReading -> ReadingType (unit, power of ten, direction); MeterReading -> IntervalBlock, which holds
IntervalReadings. Times are seconds since 1970 UTC, values whole numbers. A file with a document type is refused
unread: entities are a way to blow up or to reach into the reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from telemetry.kernels.batch import FloatColumn, IntColumn, ReadingBatch, batch_of
from telemetry.kernels.intervals import net_of, spread
from telemetry.kernels.quality import Quality
from telemetry.kernels.registers import Showings, batch_of_registers
from telemetry.protocols.file_types import FileFormat, NarrowFile, UnreadableFile

if TYPE_CHECKING:
    from lxml.etree import _Element

ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"
LARGEST_BYTES = 256 * 1024 * 1024
WATT, WATT_HOUR = 38, 72  # ReadingType.uom
REVERSE = 19  # ReadingType.flowDirection: delivered by the customer; 1 and 4 (net) count consumption positive
REGISTERS = (1, 3, 9)  # ReadingType.accumulationBehaviour: bulk quantity, cumulative, summation
NOT_MEASURED = (7, 8, 9, 10, 11, 12, 13, 16)  # ReadingQuality.quality: edited, estimated, questionable, derived, ...


@dataclass(frozen=True)
class Kind:
    """A ReadingType: `kw_or_kwh` is what one unit of a value is worth, consumption positive."""

    is_power: bool
    is_register: bool
    kw_or_kwh: float


@dataclass(frozen=True)
class Values:
    """Interval readings of one meter reading, in the order of the file. All arrays (n,)."""

    device: str
    kind: Kind
    time_s: IntColumn
    duration_s: IntColumn
    value: IntColumn
    estimated: np.ndarray
    row: IntColumn


def read_green_button(path: Path, form: FileFormat) -> NarrowFile:
    """Rows are the lines of the file. Consumption and production of one meter are taken together. UnreadableFile."""
    entries = list(_root(path).iter(f"{ATOM}entry"))
    kinds = {_self(entry): _kind(path, found) for entry, found in _of(entries, "ReadingType")}
    points = {_self(entry): _device(entry, form) for entry, _ in _of(entries, "UsagePoint")}
    meters = {_self(entry): entry for entry, _ in _of(entries, "MeterReading")}
    parts: list[Values] = []
    for entry, _ in _of(entries, "IntervalBlock"):
        meter = next((each for each in meters.values() if _links(entry, "up") & _links(each, "related")), None)
        related = _links(meter, "related") if meter is not None else set()
        kind = next((kinds[link] for link in related if link in kinds), None) or _only(list(kinds.values()))
        if kind is None:
            raise UnreadableFile(path, "an IntervalBlock without its ReadingType", row=entry.sourceline)
        point = next((each for each in points if meter is not None and _self(meter).startswith(f"{each}/")), None)
        device = form.device or (points.get(point) if point else None)
        if not device:
            raise UnreadableFile(path, f"say whose the usage point {_last(point or '')!r} is", row=entry.sourceline)
        parts += [_values(path, device, kind, block) for block in entry.iter(f"{ESPI}IntervalBlock")]
    if not parts:
        raise UnreadableFile(path, "no IntervalBlock in it")
    return _file(path, parts, form)


def _root(path: Path) -> _Element:
    from lxml import etree

    if path.stat().st_size > LARGEST_BYTES:
        raise UnreadableFile(path, f"larger than {LARGEST_BYTES} bytes: split it")
    content = path.read_bytes()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\x00" in content:
        raise UnreadableFile(path, "a document type, an entity or a text that is not UTF-8")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(path, f"no XML: {error}") from error


def _of(entries: list[_Element], name: str) -> Iterator[tuple[_Element, _Element]]:
    for entry in entries:
        found = entry.find(f"{ATOM}content/{ESPI}{name}")
        if found is not None:
            yield entry, found


def _links(entry: _Element, rel: str) -> set[str]:
    return {link.get("href", "").rstrip("/") for link in entry.iterfind(f"{ATOM}link") if link.get("rel") == rel}


def _self(entry: _Element) -> str:
    return next(iter(_links(entry, "self")), "")


def _title(entry: _Element) -> str:
    return (entry.findtext(f"{ATOM}title") or "").strip()


def _device(point: _Element, form: FileFormat) -> str | None:
    """Named by the usage point's title or by the last part of its link."""
    return form.usage_points.get(_title(point)) or form.usage_points.get(_last(_self(point)))


def _last(link: str) -> str:
    return link.rpartition("/")[2]


def _only(kinds: list[Kind]) -> Kind | None:
    return kinds[0] if len(kinds) == 1 else None


def _number(path: Path, element: _Element, name: str, default: int | None = None) -> int:
    text = element.findtext(f"{ESPI}{name}")
    try:
        return int(text) if text is not None or default is None else default
    except (TypeError, ValueError):
        raise UnreadableFile(path, f"{text!r} is no whole number", row=element.sourceline, column=name) from None


def _kind(path: Path, element: _Element) -> Kind:
    unit, ten = _number(path, element, "uom"), _number(path, element, "powerOfTenMultiplier", 0)
    if unit not in (WATT, WATT_HOUR) or not -12 <= ten <= 12:
        raise UnreadableFile(path, f"unit {unit} of power {ten}; want W (38) or Wh (72)", row=element.sourceline)
    sign = -1.0 if _number(path, element, "flowDirection", 1) == REVERSE else 1.0
    register = _number(path, element, "accumulationBehaviour", 4) in REGISTERS
    return Kind(unit == WATT, register and unit == WATT_HOUR, sign * 10.0**ten / 1000)


def _values(path: Path, device: str, kind: Kind, block: _Element) -> Values:
    rows = []
    for reading in block.iterfind(f"{ESPI}IntervalReading"):
        period = reading.find(f"{ESPI}timePeriod")
        if period is None:
            raise UnreadableFile(path, "a reading without its time", row=reading.sourceline)
        start_s, duration_s = _number(path, period, "start"), _number(path, period, "duration", 0)
        codes = [_number(path, each, "quality") for each in reading.iterfind(f"{ESPI}ReadingQuality")]
        estimated = any(code in NOT_MEASURED for code in codes)
        rows.append((start_s, duration_s, _number(path, reading, "value"), estimated, reading.sourceline))
    if any(abs(number) >= 2**53 for row in rows for number in row[:3]):
        raise UnreadableFile(path, "a number beyond any meter", row=block.sourceline)
    table = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    return Values(device, kind, table[0], table[1], table[2], table[3] != 0, table[4])


def _file(path: Path, parts: list[Values], form: FileFormat) -> NarrowFile:
    codes = list(dict.fromkeys(part.device for part in parts))
    batches = [_batch(path, part, codes) for part in parts if not part.kind.is_register]
    for kind in {part.kind for part in parts if part.kind.is_register}:
        batches.append(_registers([part for part in parts if part.kind == kind], codes))
    batch = net_of(batches, codes)
    if form.generation_positive:
        batch = replace(batch, power_kw=-batch.power_kw, energy_kwh=-batch.energy_kwh)
    return NarrowFile(path, batch, [1] * len(codes))


def _batch(path: Path, part: Values, codes: list[str]) -> ReadingBatch:
    """Values of intervals, those of more than a quarter hour spread over its quarters."""
    if not part.kind.is_power and (part.duration_s <= 0).any():
        row = int(part.row[np.argmax(part.duration_s <= 0)])
        raise UnreadableFile(path, "an energy without the length of its interval", row=row)
    worth: FloatColumn = np.asarray(part.value * part.kind.kw_or_kwh, dtype=np.float64)
    hours = part.duration_s / 3600
    power_kw: FloatColumn = worth if part.kind.is_power else worth / hours
    batch = batch_of(
        codes=codes,
        device=np.full(part.value.size, codes.index(part.device)),
        time_us=part.time_s * 1_000_000,
        power_kw=power_kw,
        energy_kwh=np.where(part.duration_s > 0, power_kw * hours, np.nan),
        row=part.row,
        quality=np.where(part.estimated, np.int16(Quality.ESTIMATED), np.int16(0)),
    )
    return spread(batch, part.duration_s)


def _registers(parts: list[Values], codes: list[str]) -> ReadingBatch:
    device = np.concatenate([np.full(part.value.size, codes.index(part.device)) for part in parts])
    time_us = np.concatenate([part.time_s for part in parts]) * 1_000_000
    register_kwh = np.concatenate([part.value * part.kind.kw_or_kwh for part in parts])
    rows = np.concatenate([part.row for part in parts])
    return batch_of_registers(Showings(codes, device, time_us, register_kwh, rows))
