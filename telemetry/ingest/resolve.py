"""From the codes that a sender names to devices that it may write to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from telemetry.kernels.judge import Ratings
from telemetry.storage.copying import copy_out
from vpp.enrollment.models import Device, Site

if TYPE_CHECKING:
    from vpp.accounts.models import Principal

SEPARATOR = "\x1f"

# One text parameter and fixed-width columns: for ten thousand codes a query set would cost more than the storing.
# A meter is bounded by the limits of its connection, which count what stands behind it as well.
QUERY = rf"""
SELECT asked.place, d.id,
    CASE WHEN d.kind = '{Device.Kind.METER}' THEN greatest(d.max_consumption_kw, s.import_limit_kw)
         ELSE d.max_consumption_kw END,
    CASE WHEN d.kind = '{Device.Kind.METER}' THEN greatest(d.max_production_kw, s.export_limit_kw)
         ELSE d.max_production_kw END,
    coalesce(d.energy_capacity_kwh, 0)
FROM unnest(string_to_array(%s, E'\x1f')) WITH ORDINALITY AS asked (code, place)
JOIN {Device._meta.db_table} d ON d.code = asked.code
JOIN {Site._meta.db_table} s ON s.id = d.site_id
WHERE %s OR s.owner_id = %s
"""  # noqa: S608
KINDS = (
    ("place", "int8"),
    ("id", "int8"),
    ("draw_kw", "float8"),
    ("feed_kw", "float8"),
    ("capacity_kwh", "float8"),
)


def ratings_of(codes: Sequence[str], principal: Principal | None) -> Ratings:
    """Ratings per code, in order; id -1 where there is no such device or it is not the sender's.

    `principal=None` is the service itself (a command of its staff).
    """
    writes_all = principal is None or principal.sees_all
    owner_id = None if principal is None or principal.participant is None else principal.participant.pk
    if not codes:
        return Ratings(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0), np.empty(0))
    asked = SEPARATOR.join(codes)
    if asked.count(SEPARATOR) >= len(codes) or "\x00" in asked:  # no code of ours; PostgreSQL has no text with a NUL
        asked = SEPARATOR.join("" if "\x00" in code or SEPARATOR in code else code for code in codes)
    found = copy_out(QUERY, [asked, writes_all, owner_id], KINDS)
    place = found["place"] - 1
    device_id = np.full(len(codes), -1, dtype=np.int64)
    device_id[place] = found["id"]
    table = np.zeros((3, len(codes)))
    table[:, place] = found["draw_kw"], found["feed_kw"], found["capacity_kwh"]
    return Ratings(device_id, table[0], table[1], table[2])
