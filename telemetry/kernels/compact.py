"""Columns of a dense closed day in few bytes, to the last bit: what meters send are whole multiples of a small unit.

A column is one byte that says how, and deflated bytes. How: the number of decimals (0 to 9) of float values that have
no more, or RAW for values that have, or INTEGERS. Whole numbers are stored as steps from one to the next in the fewest
bytes that hold them all. A form that would not give back every bit is not used.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.kernels.batch import FloatColumn, IntColumn

RAW, INTEGERS = 255, 254
MOST_DECIMALS = 9
LARGEST = 2**52
STEP_TYPES = ("<i1", "<i2", "<i4", "<i8")
MISSING = -(2**62)  # stands for NaN among whole numbers


def pack_floats(values: FloatColumn) -> bytes:
    """(n,) float64, NaN allowed."""
    for decimals in range(MOST_DECIMALS + 1):
        whole = _whole(values, decimals)
        if whole is not None:
            return bytes([decimals]) + _pack_whole(whole)
    return bytes([RAW]) + zlib.compress(values.astype("<f8").tobytes(), 1)


def pack_integers(values: NDArray[Any]) -> bytes:
    """(n,) of any integer type."""
    return bytes([INTEGERS]) + _pack_whole(values.astype(np.int64))


def unpack(packed: bytes, count: int) -> NDArray[Any]:
    """(count,) float64 or int64; undoes both. Raises ValueError if the bytes are damaged."""
    form, body = packed[0], packed[1:]
    if form == RAW:
        return _sized(np.frombuffer(_inflate(body), dtype="<f8"), count)
    whole = _unpack_whole(body, count)
    if form == INTEGERS:
        return whole
    if form > MOST_DECIMALS:
        raise ValueError(f"no form {form}")
    return _floats(whole, form)


def _whole(values: FloatColumn, decimals: int) -> IntColumn | None:
    """The values as whole multiples of 10**-decimals, or None if one of them is none."""
    missing = np.isnan(values)
    with np.errstate(over="ignore"):
        scaled = np.where(missing, 0.0, values) * 10.0**decimals
    if not (np.abs(scaled) < LARGEST).all():
        return None
    whole = np.where(missing, MISSING, np.rint(scaled).astype(np.int64))
    back = _floats(whole, decimals)
    same = back.view(np.int64) == values.view(np.int64)
    return whole if (same | missing).all() else None


def _floats(whole: IntColumn, decimals: int) -> FloatColumn:
    return np.where(whole == MISSING, np.nan, whole / 10.0**decimals)


def _pack_whole(whole: IntColumn) -> bytes:
    steps = np.diff(whole, prepend=0)
    name = next(name for name in STEP_TYPES if _holds(name, steps))
    size = np.dtype(name).itemsize
    planes = steps.astype(name).view(np.uint8).reshape(steps.size, size).T  # like bytes lie together
    return bytes([STEP_TYPES.index(name)]) + zlib.compress(planes.tobytes(), 6)


def _holds(name: str, steps: IntColumn) -> bool:
    return bool(steps.min(initial=0) >= np.iinfo(name).min and steps.max(initial=0) <= np.iinfo(name).max)


def _unpack_whole(body: bytes, count: int) -> IntColumn:
    dtype = np.dtype(STEP_TYPES[body[0]])
    planes = np.frombuffer(_inflate(body[1:]), dtype=np.uint8)
    steps = np.ascontiguousarray(_sized(planes, count * dtype.itemsize).reshape(dtype.itemsize, count).T)
    return np.cumsum(steps.view(dtype).ravel().astype(np.int64))


def _inflate(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error as error:
        raise ValueError(f"damaged column: {error}") from error


def _sized(values: NDArray[Any], count: int) -> NDArray[Any]:
    if values.size != count:
        raise ValueError(f"{values.size} values, want {count}")
    return values
