"""From the codes that a sender names to devices that it may write to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models.expressions import RawSQL

from telemetry.kernels.judge import Ratings
from vpp.enrollment.models import Device

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


COLUMNS = (
    "code",
    "id",
    "kind",
    "max_consumption_kw",
    "max_production_kw",
    "energy_capacity_kwh",
    "site__import_limit_kw",
    "site__export_limit_kw",
)


def ratings_of(codes: Sequence[str], principal: Principal | None) -> Ratings:
    """Ratings per code, in order; id -1 where there is no such device or it is not the sender's.

    `principal=None` is the service itself (a command of its staff). A meter is bounded by the limits of its connection,
    which count what stands behind it as well.
    """
    devices = Device.objects.all()
    if principal is not None and not principal.sees_all:
        devices = devices.filter(site__owner=principal.participant)
    # One array parameter: ten thousand placeholders would cost more than the query. PostgreSQL has no text with a NUL.
    wanted = [code for code in codes if "\x00" not in code]
    known = devices.filter(code__in=RawSQL("SELECT unnest(%s::text[])", [wanted]))
    found: dict[str, tuple[Any, ...]] = {row[0]: row[1:] for row in known.values_list(*COLUMNS)}
    table = np.zeros((4, len(codes)))
    device_id = np.full(len(codes), -1, dtype=np.int64)
    for place, code in enumerate(codes):
        if code in found:
            device_id[place], kind, draw_kw, feed_kw, capacity_kwh, import_kw, export_kw = found[code]
            if kind == Device.Kind.METER:
                draw_kw, feed_kw = max(draw_kw, import_kw), max(feed_kw, export_kw)
            table[:3, place] = draw_kw, feed_kw, capacity_kwh or 0.0
    return Ratings(device_id, table[0], table[1], table[2])
