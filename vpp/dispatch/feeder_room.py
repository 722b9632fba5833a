"""How far a portfolio may move each feeder: its limit less what the feeder is expected to carry anyway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import F, Sum
from numpy.typing import NDArray

from vpp.dispatch.kernels.disaggregate import FeederLimits
from vpp.enrollment.models import Device
from vpp.enrollment.queries import DeviceTable
from vpp.lib.periods import DeliveryDay
from vpp.network.queries import feeder_limits

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FeederRoom:
    """A portfolio's feeders on a day: device_id (N,) rising, feeder (N,) numbers into up_kw and down_kw (G, H)."""

    device_id: NDArray[np.int64]
    feeder: NDArray[np.int64]
    up_kw: Floats
    down_kw: Floats

    def at(self, index: int, device_ids: NDArray[np.int64] | None = None) -> FeederLimits:
        """The limits of one interval for these devices; one that came later hangs on no known feeder."""
        feeder = self.feeder if device_ids is None else self._feeder_of(device_ids)
        free = np.full(1, np.inf)
        up_kw, down_kw = (np.concatenate([side[:, index], free]) for side in (self.up_kw, self.down_kw))
        return FeederLimits(feeder, up_kw, down_kw)

    @property
    def limits_anything(self) -> bool:
        return bool(np.isfinite(self.up_kw).any() or np.isfinite(self.down_kw).any())

    def _feeder_of(self, device_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        unknown = self.up_kw.shape[0]
        if self.device_id.size == 0:
            return np.full(device_ids.size, unknown, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.device_id, device_ids), self.device_id.size - 1)
        return np.where(self.device_id[place] == device_ids, self.feeder[place], unknown)


def feeder_room(table: DeviceTable, baseline_kw: Floats, day: DeliveryDay, as_of: datetime) -> FeederRoom:
    """From the limits of each feeder's head and its net load as forecast at `as_of`.

    baseline_kw : (N, H) of the devices; their sum stands for a feeder that nobody has forecast.
    Portfolios that share a feeder share its room by the rated power of their controllable devices.
    """
    codes, feeder = np.unique(np.array(table.feeder_code, dtype=np.str_), return_inverse=True)
    feeder = feeder.astype(np.int64)
    rated_kw = np.where(table.controllable, table.max_consumption_kw + table.max_production_kw, 0.0)
    own_kw = np.bincount(feeder, weights=rated_kw, minlength=codes.size)
    all_kw = _rated_kw(codes.tolist(), day.start)
    up_kw, down_kw = (np.full((codes.size, day.n_intervals), np.inf) for _ in range(2))
    for number, code in enumerate(codes.tolist()):
        limits = feeder_limits(code, day)
        if not code or not np.isfinite(limits.import_limit_kw).any():
            continue
        net_kw = _net_load_kw(code, day, as_of)
        net_kw = baseline_kw[feeder == number].sum(axis=0) if net_kw is None else net_kw
        share_pu = own_kw[number] / all_kw[code] if all_kw.get(code) else 1.0
        up_kw[number] = np.maximum(limits.export_limit_kw + net_kw, 0.0) * share_pu
        down_kw[number] = np.maximum(limits.import_limit_kw - net_kw, 0.0) * share_pu
    return FeederRoom(table.device_id, feeder, up_kw, down_kw)


def _net_load_kw(feeder_code: str, day: DeliveryDay, as_of: datetime) -> Floats | None:
    """(H,) of all nodes together, consumption positive."""
    from forecasting.queries import node_injections_kw

    nodes = node_injections_kw(feeder_code, day.date, as_of)
    return np.sum(list(nodes.values()), axis=0) if nodes else None


def _rated_kw(feeder_codes: list[str], at: datetime) -> dict[str, float]:
    """Rated power, both ways, of every enrolled controllable device per feeder."""
    enrolled = Device.objects.filter(
        controllable=True, site__feeder_code__in=feeder_codes, enrollments__period__contains=at
    )
    rated = Sum(F("max_consumption_kw") + F("max_production_kw"))
    return dict(
        enrolled.values_list("site__feeder_code").annotate(total=rated).values_list("site__feeder_code", "total")
    )
