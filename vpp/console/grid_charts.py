"""A feeder's day as a chart: what it carries, and how much further it could go."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from vpp.console.charts import Series, numbers
from vpp.console.study import Study
from vpp.lib.periods import DeliveryDay
from vpp.network.models import OperatingEnvelope


def feeder_chart(found: Study, envelope: OperatingEnvelope | None, day: DeliveryDay) -> dict[str, Any]:
    """Above: net load, consumption positive, and what it hides. Below: flexibility and the grid's room, up positive."""
    expected, metered = found.forecast_power, found.metered_power
    power: list[Series] = [
        {"name": _("load, forecast"), "role": "asked", "y": numbers(expected.load_kw)},
        {"name": _("net load, forecast"), "role": "baseline", "y": numbers(expected.net_kw)},
    ]
    if expected.generation_kw.any():
        power.append({"name": _("generation, forecast"), "role": "up", "y": numbers(-expected.generation_kw)})
    if not np.isnan(metered.net_kw).all():
        power.append({"name": _("net load, metered"), "role": "measured", "y": numbers(metered.net_kw)})
    further: list[Series] = [
        {"name": _("devices could go up"), "role": "held", "y": numbers(found.up_kw)},
        {"name": _("devices could go down"), "role": "held", "y": numbers(-found.down_kw)},
    ]
    if envelope is not None:
        rooms = [np.asarray(one, dtype=np.float64) for one in (envelope.produce_room_kw, envelope.consume_room_kw)]
        produce, consume = (one.sum(axis=0) if one.size else np.zeros(day.n_intervals) for one in rooms)
        further += [
            {"name": _("the grid bears, up"), "role": "plan", "y": numbers(produce)},
            {"name": _("the grid bears, down"), "role": "before", "y": numbers(-consume)},
        ]
    return {
        "labels": day.local_labels(),
        "zone": day.zone,
        "overlay": True,
        "panels": [
            {"title": _("Power, kW"), "series": power},
            {"title": _("Up, kW"), "series": further},
        ],
    }
