"""From the codes that a sender names to devices that it may write to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from telemetry.ingest.fleet import NOBODY, fleet_now
from telemetry.kernels.judge import Ratings

if TYPE_CHECKING:
    from vpp.accounts.models import Principal


def ratings_of(codes: Sequence[str], principal: Principal | None, sites: Sequence[str] | None = None) -> Ratings:
    """Ratings per code, in order; id -1 where there is no such device or it is not the sender's.

    `principal=None` is the service itself (a command of its staff). `sites`, one for each code, is given by senders
    that speak for a site: the device must be one of its own.
    """
    fleet = fleet_now()
    rows = fleet.rows(codes)
    device_id = rows["id"].copy()
    if principal is not None and not principal.sees_all:
        owner_id = NOBODY if principal.participant is None else principal.participant.pk
        device_id[rows["owner_id"] != owner_id] = NOBODY
    if sites is not None:
        device_id[rows["site_id"] != np.array(fleet.site_ids(sites), dtype=np.int64)] = NOBODY
    return Ratings(
        device_id=device_id,
        max_consumption_kw=rows["draw_kw"],
        max_production_kw=rows["feed_kw"],
        energy_capacity_kwh=rows["capacity_kwh"],
        not_agreed=fleet.not_agreed(rows["site_id"]),
    )
