"""PostgreSQL's binary COPY format to and from numpy, without a Python step per row.

Layout (PostgreSQL manual, COPY, "Binary Format"): an 11-byte signature, two int32 (flags, extension length), then per
tuple an int16 field count and per field an int32 byte length (-1 for NULL) with that many bytes, big-endian; an int16
of -1 ends the stream. Rows with the same NULL fields have the same size, so each such group is one structured array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
TRAILER = b"\xff\xff"
POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01T00:00Z in microseconds since 1970
POSTGRES_EPOCH_DAY = 10_957  # 2000-01-01 in days since 1970

BIG_ENDIAN = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "float8": ">f8", "timestamptz": ">i8", "date": ">i4"}


@dataclass(frozen=True)
class Field:
    """One column of a COPY stream.

    kind   : a key of BIG_ENDIAN, or "bytea".
    values : (n,) numbers; timestamptz as microseconds and date as days since 1970. For bytea (n, width) uint8.
    null   : (n,) True where the field is NULL; None where it never is.
    """

    kind: str
    values: NDArray[Any]
    null: NDArray[np.bool_] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        if self.kind == "bytea":
            return np.dtype(("u1", (self.values.shape[1],)))
        return np.dtype(BIG_ENDIAN[self.kind])

    @property
    def width(self) -> int:
        return self.dtype.itemsize

    def on_the_wire(self) -> NDArray[Any]:
        if self.kind == "timestamptz":
            return self.values - POSTGRES_EPOCH_US
        if self.kind == "date":
            return self.values - POSTGRES_EPOCH_DAY
        return self.values


def nullable_float8(values: NDArray[np.float64]) -> Field:
    """A float column whose NaN means NULL."""
    return Field("float8", values, np.isnan(values))


def _null_pattern(fields: Sequence[Field], count: int) -> NDArray[np.int64]:
    """(n,) one bit per field, set where it is NULL."""
    pattern = np.zeros(count, dtype=np.int64)
    for place, field in enumerate(fields):
        if field.null is not None:
            pattern |= field.null.astype(np.int64) << place
    return pattern


def _encode_group(fields: Sequence[Field], pattern: int, rows: NDArray[np.intp] | slice, count: int) -> bytes:
    layout: list[tuple[str, Any]] = [("fields", ">i2")]
    for place, field in enumerate(fields):
        layout.append((f"length{place}", ">i4"))
        if not pattern >> place & 1:
            layout.append((f"value{place}", field.dtype))
    tuples = np.empty(count, dtype=np.dtype(layout))
    tuples["fields"] = len(fields)
    for place, field in enumerate(fields):
        if pattern >> place & 1:
            tuples[f"length{place}"] = -1
        else:
            tuples[f"length{place}"] = field.width
            tuples[f"value{place}"] = field.on_the_wire()[rows]
    return tuples.tobytes()


def encode(fields: Sequence[Field]) -> bytes:
    """The whole stream for n rows. Rows are grouped by their NULL pattern and keep their order inside a group."""
    return SIGNATURE + encode_rows(fields) + TRAILER


def encode_rows(fields: Sequence[Field]) -> bytes:
    """The tuples alone, so that tables of several shapes can be joined into one stream."""
    count = len(fields[0].values)
    if any(len(field.values) != count for field in fields):
        raise ValueError(f"columns of {[len(field.values) for field in fields]} rows")
    if count == 0:
        return b""
    pattern = _null_pattern(fields, count)
    first = int(pattern[0])
    if (pattern == first).all():
        return _encode_group(fields, first, slice(None), count)
    groups = []
    for bits in np.unique(pattern):
        rows = np.flatnonzero(pattern == bits)
        groups.append(_encode_group(fields, int(bits), rows, rows.size))
    return b"".join(groups)


def decode(
    stream: bytes, kinds: Sequence[tuple[str, str]], *, widths: dict[str, int] | None = None
) -> dict[str, NDArray[Any]]:
    """Columns of a stream of one tuple: the number of rows (int8) and all their values, packed without lengths (bytea).

    kinds  : (name, kind) per column; timestamptz comes back as microseconds and date as days since 1970.
    widths : bytes per row of each bytea column, which comes back as (n, width) uint8.

    Raises ValueError if the values are not those of that many rows: one was NULL, or a bytea of another width.
    """
    widths = widths or {}
    dtype = np.dtype(
        [(name, ("u1", (widths[name],))) if kind == "bytea" else (name, BIG_ENDIAN[kind]) for name, kind in kinds]
    )
    head = np.dtype([("fields", ">i2"), ("length", ">i4"), ("rows", ">i8"), ("bytes", ">i4")])
    begin = len(SIGNATURE) + head.itemsize
    if len(stream) < begin + len(TRAILER) or not stream.startswith(SIGNATURE[:11]):
        raise ValueError(f"{len(stream)} bytes are no stream of one tuple")
    (tuple_head,) = np.frombuffer(stream, dtype=head, count=1, offset=len(SIGNATURE))
    count, length = int(tuple_head["rows"]), int(tuple_head["bytes"])
    if length != count * dtype.itemsize or len(stream) != begin + length + len(TRAILER):
        raise ValueError(f"{length} bytes for {count} rows of {dtype.itemsize}: a NULL, or a value of another width")
    rows = np.frombuffer(stream, dtype=dtype, count=count, offset=begin)
    return {name: _native(rows[name], kind) for name, kind in kinds}


def _native(values: NDArray[Any], kind: str) -> NDArray[Any]:
    if kind == "bytea":
        return np.ascontiguousarray(values)
    native = values.astype(values.dtype.newbyteorder("="))
    if kind == "timestamptz":
        return native + POSTGRES_EPOCH_US
    if kind == "date":
        return native.astype(np.int64) + POSTGRES_EPOCH_DAY
    return native
