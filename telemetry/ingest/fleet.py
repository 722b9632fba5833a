"""What this process remembers of the fleet: codes, owners, ratings and withdrawn consents, for as long as nobody has
changed any of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from telemetry.ingest.agreed import Periods, layers, withdrawn_periods
from telemetry.kernels.batch import IntColumn
from telemetry.storage.copying import copy_out
from vpp.enrollment.models import Device, Site

MOST_DEVICES = 1_200_000  # about 250 bytes each; beyond that the memory is started anew
SEPARATOR = "\x1f"

# Each code by its index, whatever the planner thinks of the table. One text parameter and fixed-width columns: for
# ten thousand codes a query set would cost more than the storing.
# A meter is bounded by the limits of its connection, which count what stands behind it as well.
QUERY = rf"""
SELECT asked.place, found.* FROM unnest(string_to_array(%s, E'\x1f')) WITH ORDINALITY AS asked (code, place)
CROSS JOIN LATERAL (
    SELECT d.id, s.owner_id, s.id AS site_id,
    CASE WHEN d.kind = '{Device.Kind.METER}' THEN greatest(d.max_consumption_kw, s.import_limit_kw)
         ELSE d.max_consumption_kw END,
    CASE WHEN d.kind = '{Device.Kind.METER}' THEN greatest(d.max_production_kw, s.export_limit_kw)
         ELSE d.max_production_kw END,
    coalesce(d.energy_capacity_kwh, 0), (d.kind = '{Device.Kind.PV}')::int::smallint
    FROM {Device._meta.db_table} d JOIN {Site._meta.db_table} s ON s.id = d.site_id
    WHERE d.code = asked.code LIMIT 1
) found
"""  # noqa: S608
KINDS = (
    ("place", "int8"),
    ("id", "int8"),
    ("owner_id", "int8"),
    ("site_id", "int8"),
    ("draw_kw", "float8"),
    ("feed_kw", "float8"),
    ("capacity_kwh", "float8"),
    ("is_pv", "int2"),
)
ROW = np.dtype(
    [("id", "i8"), ("owner_id", "i8"), ("site_id", "i8"), ("draw_kw", "f8"), ("feed_kw", "f8"),
     ("capacity_kwh", "f8"), ("is_pv", "?")]
)  # fmt: skip
NOBODY = -1


class Fleet:
    """Devices by code, as of one version; row 0 stands for a code that names no device."""

    def __init__(self, version: int | None) -> None:
        self.version = version
        self._slot: dict[str, int] = {}
        self._site: dict[str, int] = {}
        self._withdrawn: dict[int, Periods] | None = None
        self._rows = np.zeros(1024, dtype=ROW)
        self._rows["id"] = self._rows["owner_id"] = self._rows["site_id"] = NOBODY
        self._filled = 1
        self._lock = threading.Lock()

    def rows(self, codes: Sequence[str]) -> NDArray[Any]:
        """(len(codes),) of ROW; asks the database for the codes that are not known yet."""
        slots = self._slots(codes)
        unknown = np.flatnonzero(slots == 0)
        if unknown.size:
            new = [codes[place] for place in unknown.tolist()]
            with self._lock:
                self._load(new)
            slots[unknown] = self._slots(new)
        return self._rows[slots]

    def site_ids(self, codes: Sequence[str]) -> list[int]:
        """Site ids per site code; NOBODY where there is none."""
        unknown = {code for code in codes if code not in self._site and "\x00" not in code}
        if unknown:
            self._site.update(Site.objects.filter(code__in=unknown).values_list("code", "id"))
        return [self._site.get(code, NOBODY) for code in codes]

    def not_agreed(self, site_id: IntColumn) -> list[tuple[IntColumn, IntColumn]]:
        """When the owners of these devices' sites had withdrawn their consent, as `Ratings.not_agreed` takes it."""
        if self._withdrawn is None:
            self._withdrawn = withdrawn_periods()
        return layers(site_id, self._withdrawn)

    def _slots(self, codes: Sequence[str]) -> IntColumn:
        found: Iterable[int] = map(self._slot.get, codes, (0,) * len(codes))
        return np.fromiter(found, dtype=np.int64, count=len(codes))

    def _load(self, codes: list[str]) -> None:
        asked = SEPARATOR.join("" if "\x00" in code or SEPARATOR in code else code for code in codes)
        found = copy_out(QUERY, [asked], KINDS)
        count = found["id"].size
        if not count:
            return
        end = self._filled + count
        if end > self._rows.size:
            self._rows = np.concatenate([self._rows, np.zeros(max(end, self._rows.size), dtype=ROW)])
        for name in ROW.names or ():
            self._rows[name][self._filled : end] = found[name]
        first = self._filled
        self._filled = end
        places = (found["place"] - 1).tolist()
        self._slot.update((codes[place], first + offset) for offset, place in enumerate(places))


_known = Fleet(None)


def fleet_now() -> Fleet:
    """What is remembered, if no device has changed since; else an empty memory of the present version.

    The version is read before the devices, so that a change between the two is only seen too early, never missed.
    """
    global _known
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM telemetry_fleetversion")
        row = cursor.fetchone()
    version = None if row is None else int(row[0])
    known = _known
    if version is None or known.version != version or known._filled > MOST_DEVICES:
        known = _known = Fleet(version)
    return known
