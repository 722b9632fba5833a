"""Binary COPY: what we write is what the format says, and reading undoes writing."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.kernels.copy_format import SIGNATURE, TRAILER, Field, decode, encode, nullable_float8


def parse_slowly(stream: bytes) -> list[list[bytes | None]]:
    """The manual's format, read field by field."""
    assert stream[:11] == b"PGCOPY\n\xff\r\n\x00"
    place, rows = 19, []
    while (count := struct.unpack_from(">h", stream, place)[0]) != -1:
        place += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", stream, place)
            place += 4
            row.append(None if length < 0 else stream[place : place + length])
            place += max(length, 0)
        rows.append(row)
    assert place + 2 == len(stream)
    return rows


finite = st.floats(allow_nan=False)


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.none() | finite, st.none() | finite), max_size=30))
def test_every_row_appears_once_with_its_nulls(readings):
    ids = np.array([each[0] for each in readings], dtype=np.int64)
    one, two = (
        np.array([each[place] for each in readings], dtype=np.float64).reshape(len(readings)) for place in (1, 2)
    )
    stream = encode([Field("int8", ids), nullable_float8(one), nullable_float8(two)])
    found = [
        (struct.unpack(">q", a or b"")[0], b and struct.unpack(">d", b)[0], c and struct.unpack(">d", c)[0])
        for a, b, c in parse_slowly(stream)
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, readings))


def one_tuple(rows: int, block: bytes) -> bytes:
    """What the server sends: the number of rows and their values in one piece."""
    return encode([Field("int8", np.array([rows])), Field("bytea", np.frombuffer(block, dtype=np.uint8)[None, :])])


def test_moments_and_dates_count_from_the_year_2000():
    moment = np.array([946_684_800_000_001])
    stream = encode([Field("timestamptz", moment), Field("date", np.array([10_958])), Field("int2", np.array([-3]))])
    assert parse_slowly(stream) == [[struct.pack(">q", 1), struct.pack(">i", 1), struct.pack(">h", -3)]]
    columns = decode(
        one_tuple(1, struct.pack(">qih", 1, 1, -3)), [("ts", "timestamptz"), ("day", "date"), ("flag", "int2")]
    )
    assert (columns["ts"][0], columns["day"][0], columns["flag"][0]) == (moment[0], 10_958, -3)


def test_packed_bytes_come_back_whole():
    cells = np.arange(24, dtype=np.uint8).reshape(3, 8)
    block = b"".join(struct.pack(">i", place) + row.tobytes() for place, row in enumerate(cells))
    columns = decode(one_tuple(3, block), [("place", "int4"), ("cells", "bytea")], widths={"cells": 8})
    assert (columns["cells"] == cells).all()
    assert columns["place"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        SIGNATURE,
        SIGNATURE + b"\x00" * 14,
        one_tuple(2, bytes(8)),
        one_tuple(1, bytes(9)),
        one_tuple(1, bytes(8))[:-1],
    ],
)
def test_a_stream_of_another_shape_is_refused(stream):
    with pytest.raises(ValueError, match="bytes"):
        decode(stream, [("value", "float8")])


def test_no_rows_are_a_stream_too():
    assert encode([Field("float8", np.empty(0))]) == SIGNATURE + TRAILER
    assert decode(one_tuple(0, b""), [("value", "float8")])["value"].size == 0


def test_ragged_columns_are_refused():
    with pytest.raises(ValueError, match="columns of"):
        encode([Field("float8", np.empty(0)), Field("float8", np.ones(1))])
