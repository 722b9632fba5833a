"""A plan's devices in bulk: whole arrays in and out of the database, never one Python number at a time."""

from __future__ import annotations

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry.kernels.copy_format import Field
from telemetry.storage.copying import copy_in, copy_out

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# float8[] on the wire (PostgreSQL's array_send): dimensions, has-null flag, element type, length, lower bound; then
# each element behind its own length, all big-endian
FLOAT8_OID = 701
HEAD_FIELDS = 5
DEVICES = "SELECT device_id, array_send(baseline_kw), array_send(target_kw) FROM dispatch_plandevice WHERE plan_id = %s"


def write(plan_id: int, device_id: Ints, baseline_kw: Floats, target_kw: Floats) -> None:
    """One row per device (N,), baseline and target as arrays (N, H) over the day."""
    fields = {
        "plan_id": Field("int8", np.broadcast_to(np.int64(plan_id), device_id.shape)),
        "device_id": Field("int8", device_id),
        "baseline_kw": Field("bytea", _packed(baseline_kw)),
        "target_kw": Field("bytea", _packed(target_kw)),
    }
    with connection.wrap_database_errors:
        copy_in("dispatch_plandevice", fields)


def read(plan_id: int, n_intervals: int) -> tuple[Ints, Floats, Floats]:
    """Device ids (N,) rising, and baseline_kw and target_kw (N, H)."""
    kinds = (("device_id", "int8"), ("baseline_kw", "bytea"), ("target_kw", "bytea"))
    width = _layout(n_intervals).itemsize
    found = copy_out(DEVICES, [plan_id], kinds, widths={"baseline_kw": width, "target_kw": width})
    order = np.argsort(found["device_id"])
    baseline_kw, target_kw = (_unpacked(found[name], n_intervals)[order] for name in ("baseline_kw", "target_kw"))
    return found["device_id"][order], baseline_kw, target_kw


def _layout(n_intervals: int) -> np.dtype[np.void]:
    return np.dtype([("head", ">i4", (HEAD_FIELDS,)), ("items", [("length", ">i4"), ("value", ">f8")], (n_intervals,))])


def _packed(values: Floats) -> NDArray[np.uint8]:
    """(N, H) numbers as (N, width) bytes."""
    count, n_intervals = values.shape
    rows = np.empty(count, dtype=_layout(n_intervals))
    rows["head"] = (1, 0, FLOAT8_OID, n_intervals, 1)
    rows["items"]["length"] = 8
    rows["items"]["value"] = values
    return rows.view(np.uint8).reshape(count, -1)


def _unpacked(packed: NDArray[np.uint8], n_intervals: int) -> Floats:
    rows = np.ascontiguousarray(packed).view(_layout(n_intervals)).reshape(-1)
    return rows["items"]["value"].astype(np.float64)
