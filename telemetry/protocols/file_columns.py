"""CSV files with their own names, separators and decimal sign, turned line by line into the plain form."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from telemetry.protocols.file_types import UNITS, FileFormat, UnreadableFile

OURS = ("time", "device", "correction", *UNITS)


def chosen(path: Path, header: list[str], form: FileFormat) -> dict[str, str]:
    """Our name of each column that is read, to the file's name of it."""
    theirs = {name: name for name in OURS if name in header} | dict(form.columns)
    missing = [name for name in theirs.values() if name not in header]
    if missing:
        raise UnreadableFile(path, f"there is no such column, found {', '.join(header)}", row=1, column=missing[0])
    if "time" not in theirs:
        raise UnreadableFile(path, f"there is no column 'time', found {', '.join(header)}", row=1)
    if not set(form.columns) - {"time", "device"}:  # nothing is chosen: all that is there
        theirs |= {name: name for name in header if name not in theirs.values()}
    return theirs


def plain(path: Path, header: list[str], lines: Iterable[str], form: FileFormat) -> tuple[list[str], Iterator[str]]:
    """Our names of the columns, time first and then the device if there is one, and the lines in that order.

    Each line of the file stays one line, so that rows keep their numbers.
    """
    theirs = chosen(path, header, form)
    first = ["time", "device"] if "device" in theirs or form.device else ["time"]
    names = first + [name for name in theirs if name not in first]
    places = [header.index(theirs[name]) if name in theirs and not _given(name, form) else -1 for name in names]
    texts = [name in ("time", "device", "correction") for name in names]
    return names, _lines(path, lines, len(header), list(zip(places, texts, strict=True)), form)


def _given(name: str, form: FileFormat) -> bool:
    return name == "device" and bool(form.device)


def _lines(
    path: Path, lines: Iterable[str], width: int, places: list[tuple[int, bool]], form: FileFormat
) -> Iterator[str]:
    """places : of each column its place in the file (-1: the format's device) and whether it is no number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row, cells in enumerate(csv.reader(lines, delimiter=form.delimiter), start=2):
        if cells and len(cells) != width:
            raise UnreadableFile(path, f"{len(cells)} values for {width} columns", row=row)
        if cells:
            writer.writerow(
                [_plain_cell(cells[at], form, is_text) if at >= 0 else form.device for at, is_text in places]
            )
        yield out.getvalue() if cells else "\n"
        out.seek(0)
        out.truncate()


def _plain_cell(text: str, form: FileFormat, is_text: bool) -> str:
    if is_text or form.decimal == ".":
        return text.strip()
    return text.strip().replace(form.decimal, ".")
