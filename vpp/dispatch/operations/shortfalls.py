"""What a pass of the control cycle cannot place, and which dispatched devices fell out."""

from __future__ import annotations

import numpy as np

from vpp.dispatch.kernels.disaggregate import Split
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.models import ControlCycle, Shortfall
from vpp.dispatch.operations.scene import Scene
from vpp.dispatch.stopped import is_short, told


def shortfalls(scene: Scene, split: Split, cycle: ControlCycle) -> list[Shortfall]:
    """The missing power of a promised interval, and each dispatched device that fell out of it."""
    promised = cycle.committed_up_kw != 0.0 or split.stops
    if not promised or not is_short(split.residual_kw, split.stops):
        return []
    because = told(split.residual_kw, split.reason, split.stops, "committed power that no device can give now")
    found: list[tuple[int | None, Limit, float, str]] = [
        (None, one.limit, one.missing_kw, one.reason) for one in because
    ]
    part = scene.fleet.parts[cycle.portfolio_id]
    out = (scene.state.barred[part] >= Limit.SILENT) & ~np.isnan(scene.held.target_kw[part])
    for row in np.flatnonzero(out) + part.start:
        gone_kw = float(scene.state.baseline_kw[row] - scene.held.target_kw[row])
        limit = Limit(int(scene.state.barred[row]))
        found.append((int(scene.fleet.table.device_id[row]), limit, gone_kw, "was dispatched and fell out"))
    return [
        Shortfall(
            portfolio_id=cycle.portfolio_id,
            cycle=cycle,
            device_id=device_id,
            interval_start=scene.start,
            limit=limit.name,
            shortfall_kw=missing_kw,
            reason=reason,
        )
        for device_id, limit, missing_kw, reason in found
    ]
