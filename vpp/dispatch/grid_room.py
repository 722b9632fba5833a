"""How far a portfolio may move each node and each feeder: what the grid bears beside what is expected there anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import F, Sum
from numpy.typing import NDArray

from bidding.grid.envelopes import node_room_kw
from vpp.dispatch.kernels.limits import Limit
from vpp.dispatch.kernels.places import PlaceLimits
from vpp.enrollment.models import Device
from vpp.enrollment.queries import DeviceTable
from vpp.lib.periods import DeliveryDay
from vpp.network.queries import feeder_limits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Nodes, or feeders: place (N,) of each device, a number into codes (G,), up_kw and down_kw (G, H)."""

    limit: Limit
    codes: list[str]
    place: Ints
    up_kw: Floats
    down_kw: Floats

    @property
    def limits_anything(self) -> bool:
        return bool(np.isfinite(self.up_kw).any() or np.isfinite(self.down_kw).any())


@dataclass(frozen=True)
class GridRoom:
    """A portfolio's nodes and feeders on a day; device_id (N,) rising. Kinds that limit nothing are left out."""

    device_id: Ints
    kinds: tuple[Places, ...]

    def at(self, index: int, device_ids: Ints | None = None) -> tuple[PlaceLimits, ...]:
        """The limits of one interval for these devices; one that came later stands at no known place."""
        rows = None if device_ids is None else self._rows_of(device_ids)
        free = np.full(1, np.inf)
        found = []
        for kind in self.kinds:
            place = kind.place if rows is None else np.where(rows >= 0, kind.place[rows], len(kind.codes))
            up_kw, down_kw = (np.concatenate([side[:, index], free]) for side in (kind.up_kw, kind.down_kw))
            found.append(PlaceLimits(place, up_kw, down_kw, kind.limit, [*kind.codes, ""]))
        return tuple(found)

    def _rows_of(self, device_ids: Ints) -> Ints:
        if self.device_id.size == 0:
            return np.full(device_ids.size, -1, dtype=np.int64)
        row = np.minimum(np.searchsorted(self.device_id, device_ids), self.device_id.size - 1)
        return np.where(self.device_id[row] == device_ids, row, -1)


def grid_room(table: DeviceTable, baseline_kw: Floats, day: DeliveryDay, as_of: datetime) -> GridRoom:
    """From the operating envelopes of the nodes and the limits of each feeder's head, on the forecast known at `as_of`.

    baseline_kw : (N, H) of the devices; their sum stands for a feeder that nobody has forecast.
    Portfolios that share a place share its room by the rated power of their controllable devices.
    """
    kinds = (_nodes(table, day, as_of), _feeders(table, baseline_kw, day, as_of))
    return GridRoom(table.device_id, tuple(kind for kind in kinds if kind.limits_anything))


def _nodes(table: DeviceTable, day: DeliveryDay, as_of: datetime) -> Places:
    codes, place = _numbered(table.node_code)
    rooms = node_room_kw(table.feeder_code, day, as_of)
    up_kw, down_kw = (np.full((len(codes), day.n_intervals), np.inf) for _ in range(2))
    share_pu = _share_pu(table, codes, place, "site__node_code", day.start) if rooms else np.ones(len(codes))
    for number, code in enumerate(codes):
        if code in rooms:
            up_kw[number], down_kw[number] = (side * share_pu[number] for side in rooms[code])
    return Places(Limit.NODE, codes, place, up_kw, down_kw)


def _feeders(table: DeviceTable, baseline_kw: Floats, day: DeliveryDay, as_of: datetime) -> Places:
    codes, place = _numbered(table.feeder_code)
    share_pu = _share_pu(table, codes, place, "site__feeder_code", day.start)
    up_kw, down_kw = (np.full((len(codes), day.n_intervals), np.inf) for _ in range(2))
    for number, code in enumerate(codes):
        limits = feeder_limits(code, day)
        if not code or not np.isfinite(limits.import_limit_kw).any():
            continue
        net_kw = _net_load_kw(code, day, as_of)
        net_kw = baseline_kw[place == number].sum(axis=0) if net_kw is None else net_kw
        up_kw[number] = np.maximum(limits.export_limit_kw + net_kw, 0.0) * share_pu[number]
        down_kw[number] = np.maximum(limits.import_limit_kw - net_kw, 0.0) * share_pu[number]
    return Places(Limit.FEEDER, codes, place, up_kw, down_kw)


def _numbered(codes: Sequence[str]) -> tuple[list[str], Ints]:
    distinct, place = np.unique(np.array(codes, dtype=np.str_), return_inverse=True)
    return distinct.tolist(), place.astype(np.int64)


def _net_load_kw(feeder_code: str, day: DeliveryDay, as_of: datetime) -> Floats | None:
    """(H,) of all nodes together, consumption positive."""
    from forecasting.queries import node_injections_kw

    nodes = node_injections_kw(feeder_code, day.date, as_of)
    return np.sum(list(nodes.values()), axis=0) if nodes else None


def _share_pu(table: DeviceTable, codes: list[str], place: Ints, field: str, at: datetime) -> Floats:
    """(G,) part of the controllable rated power, both ways, enrolled at each place that is this portfolio's."""
    rated_kw = np.where(table.controllable, table.max_consumption_kw + table.max_production_kw, 0.0)
    own_kw = np.bincount(place, weights=rated_kw, minlength=len(codes))
    enrolled = Device.objects.filter(
        controllable=True, enrollments__period__contains=at, **{f"{field}__in": [code for code in codes if code]}
    )
    rated = Sum(F("max_consumption_kw") + F("max_production_kw"))
    all_kw = dict(enrolled.values_list(field).annotate(total=rated).values_list(field, "total"))
    total_kw = np.array([all_kw.get(code) or 0.0 for code in codes], dtype=np.float64)
    return np.divide(own_kw, total_kw, out=np.ones(len(codes)), where=total_kw > 0.0)
