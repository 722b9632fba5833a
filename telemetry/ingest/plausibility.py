"""Flags readings whose neighbours contradict them, when their day is packed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from telemetry.kernels.batch import IntColumn
from telemetry.kernels.plausibility import NEIGHBOUR_FLAGS, Limits, neighbour_flags
from telemetry.kernels.readings import Readings
from telemetry.storage.copying import copy_out, id_array
from vpp.enrollment.models import Device, Site

# A meter sees everything behind its connection, so its range is that of the connection and it has no ramp.
QUERY = f"""
SELECT d.id,
    CASE WHEN d.kind = '{Device.Kind.METER}'
        THEN greatest(d.max_consumption_kw, s.import_limit_kw) + greatest(d.max_production_kw, s.export_limit_kw)
        ELSE d.max_consumption_kw + d.max_production_kw END,
    coalesce(d.ramp_kw_per_minute, 'infinity'), (d.kind = '{Device.Kind.PV}')::int::smallint
FROM {Device._meta.db_table} d JOIN {Site._meta.db_table} s ON s.id = d.site_id WHERE d.id = ANY(%s::bigint[])
"""  # noqa: S608
KINDS = (("device_id", "int8"), ("range_kw", "float8"), ("ramp_kw_per_minute", "float8"), ("is_pv", "int2"))


def flagged(readings: Readings) -> Readings:
    """The same readings, ordered by (device, time), with the flags of `neighbour_flags` and none from before."""
    if readings.size == 0:
        return readings
    readings = readings.by_device()
    flags = neighbour_flags(readings, _limits(readings.device_id, readings.device_id[readings.device_runs()]))
    kept = readings.quality & ~np.int16(NEIGHBOUR_FLAGS)
    return replace(readings, quality=kept | flags)


def _limits(device_id: IntColumn, distinct: IntColumn) -> Limits:
    found = copy_out(QUERY, [id_array(distinct)], KINDS)
    order = np.argsort(found["device_id"])
    place = order[np.searchsorted(found["device_id"][order], device_id)]  # every stored reading has its device
    return Limits(
        range_kw=found["range_kw"][place],
        ramp_kw_per_minute=found["ramp_kw_per_minute"][place],
        is_pv=found["is_pv"][place] != 0,
    )
