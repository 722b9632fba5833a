"""Operating envelopes for the bidder: what each node can bear beyond its forecast, so that wholesale bids are grid-safe
before any ask exists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.grid.awareness import device_forecasts, flexibility_kw
from bidding.grid.injections import FeederDay, feeder_day, version_names
from forecasting.queries import NoForecast
from vpp.enrollment.queries import DeviceTable, device_table
from vpp.lib.errors import DomainError
from vpp.lib.names import within
from vpp.lib.periods import DeliveryDay
from vpp.network.models import Node, OperatingEnvelope

if TYPE_CHECKING:
    from bidding.kernels.problem import FlexGroup

FloatArray = NDArray[np.float64]
ROUNDED_KW = 0.002  # envelopes are stored in whole watts, rounded down


@dataclass(frozen=True)
class NodeShares:
    """(H,) share in [0, 1] of what the devices at a node can do that the grid bears: down = more consumption."""

    down_pu: dict[str, FloatArray]
    up_pu: dict[str, FloatArray]


def ensure_envelope(feeder_code: str, day: DeliveryDay, at: datetime) -> OperatingEnvelope | None:
    """The envelope of the newest forecast under the day's switching states and limits; calculated once, then read.

    None where the feeder has no grid to calculate on, or no forecast yet.
    """
    if not Node.objects.filter(feeder__code=feeder_code).exists():
        return None
    try:
        known = feeder_day(feeder_code, day, at, with_firm=False)
    except NoForecast:
        return None
    limits = sha256(repr(known.power_limits).encode()).hexdigest()[:16]
    key = within(f"{known.run_key}:{version_names(known.topologies) or 'unrecorded'}:{limits}", 200)
    if (found := OperatingEnvelope.objects.filter(natural_key=key).first()) is not None:
        return found
    codes, consume_kw, produce_kw = _calculate(known, at)
    return OperatingEnvelope.objects.get_or_create(
        natural_key=key,
        defaults={
            "feeder": known.feeder,
            "delivery_date": day.date,
            "time_zone": day.zone,
            "topology": known.topologies[-1] if known.topologies else None,
            "topology_versions": [state.version for state in known.topologies],
            "available_at": at,
            "node_codes": codes,
            "consume_room_kw": consume_kw.T.round(3).tolist(),
            "produce_room_kw": produce_kw.T.round(3).tolist(),
        },
    )[0]


def _calculate(known: FeederDay, at: datetime) -> tuple[list[str], FloatArray, FloatArray]:
    from vpp.network.kernels.envelopes import operating_envelopes

    able_up, able_down = (
        _by_node(known.model.node_index, able) for able in capability_kw(known.feeder.code, known.day, at)
    )
    rooms = [
        operating_envelopes(
            model,
            known.p_kw[span],
            known.q_kvar[span],
            can_consume_kw=able_down[span],
            can_produce_kw=able_up[span],
            power_limits=known.power_limits,
        )
        for span, model in known.states
    ]
    consume_kw = np.vstack([room.consume_kw for room in rooms])
    produce_kw = np.vstack([room.produce_kw for room in rooms])
    used = np.flatnonzero(able_up.any(axis=0) | able_down.any(axis=0))
    codes = [known.model.nodes.codes[node] for node in used]
    return codes, np.floor(consume_kw[:, used] * 1e3) / 1e3, np.floor(produce_kw[:, used] * 1e3) / 1e3


def capability_kw(
    feeder_code: str, day: DeliveryDay, at: datetime
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Per node what its usable devices could do around their forecasts: (up, down), (H,) each."""
    table = device_table(at=at, feeder_code=feeder_code)
    up: dict[str, FloatArray] = {}
    down: dict[str, FloatArray] = {}
    for row, limits in enumerate(zip(*flexibility_kw(table, device_forecasts(table, day, at)), strict=True)):
        for by_node, limit_kw in zip((up, down), limits, strict=True):
            by_node[table.node_code[row]] = by_node.get(table.node_code[row], np.zeros(day.n_intervals)) + limit_kw
    return up, down


def _by_node(index: Mapping[str, int], by_code: Mapping[str, FloatArray]) -> FloatArray:
    n_intervals = next((series.size for series in by_code.values()), 0)
    matrix = np.zeros((n_intervals, len(index)))
    for code, series in by_code.items():
        if code in index:
            matrix[:, index[code]] += series
    return matrix


def node_shares(feeder_codes: Iterable[str], day: DeliveryDay, at: datetime, notes: list[str]) -> NodeShares:
    """Of every node of these feeders that has an envelope; a feeder that cannot be calculated is noted."""
    shares = NodeShares({}, {})
    for code in sorted(set(feeder_codes) - {""}):
        try:
            envelope = ensure_envelope(code, day, at)
        except DomainError as error:
            notes.append(f"feeder {code}: no operating envelope: {error.message}")
            continue
        if envelope is None:
            continue
        able_up, able_down = capability_kw(code, day, at)
        for place, node in enumerate(envelope.node_codes):
            shares.up_pu[node] = _share(envelope.produce_room_kw[place], able_up.get(node))
            shares.down_pu[node] = _share(envelope.consume_room_kw[place], able_down.get(node))
    return shares


def node_room_kw(
    feeder_codes: Iterable[str], day: DeliveryDay, at: datetime
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Of every node of these feeders that limits its devices: how much further up and down (less and more consumption)
    than forecast it may be moved, (H,) kW each, infinite while it bears all that its devices can do."""
    rooms: dict[str, tuple[FloatArray, FloatArray]] = {}
    for code in sorted(set(feeder_codes) - {""}):
        try:
            envelope = ensure_envelope(code, day, at)
        except DomainError:
            continue  # a feeder that cannot be calculated limits by its head alone
        if envelope is None:
            continue
        able = capability_kw(code, day, envelope.available_at)
        sides = (envelope.produce_room_kw, envelope.consume_room_kw)
        for place, node in enumerate(envelope.node_codes):
            up, down = (_binding(room[place], by_node.get(node)) for room, by_node in zip(sides, able, strict=True))
            if np.isfinite(up).any() or np.isfinite(down).any():
                rooms[node] = (up, down)
    return rooms


def _binding(room_kw: Sequence[float], able_kw: FloatArray | None) -> FloatArray:
    """The room where it is less than the devices can do (beyond the rounding of what is stored), else infinity."""
    room = np.asarray(room_kw, dtype=np.float64)
    if able_kw is None:
        return np.full(room.size, np.inf)
    return np.where(room < able_kw - ROUNDED_KW, room, np.inf)


def _share(room_kw: Sequence[float], able_kw: FloatArray | None) -> FloatArray:
    room = np.asarray(room_kw, dtype=np.float64)
    if able_kw is None:
        return np.ones(room.size)
    return np.where(able_kw > room, room / np.maximum(able_kw, 1e-9), 1.0)


def within_grid(
    groups: tuple[FlexGroup, ...], table: DeviceTable, day: DeliveryDay, at: datetime, notes: list[str]
) -> tuple[FlexGroup, ...]:
    """Groups cut to what the nodes of their devices bear, each device weighing as much as its rating.

    Where nothing binds a group stays exactly as it was.
    """
    shares = node_shares({group.feeder for group in groups}, day, at, notes)
    if not shares.up_pu and not shares.down_pu:
        return groups
    node_of = dict(zip(table.device_id.tolist(), table.node_code, strict=True))
    rating_kw = table.max_consumption_kw + table.max_production_kw
    weight_of = dict(zip(table.device_id.tolist(), rating_kw.tolist(), strict=True))

    def mean(group: FlexGroup, by_node: Mapping[str, FloatArray]) -> FloatArray:
        total, sum_pu = 0.0, np.zeros(day.n_intervals)
        for device in group.device_ids:
            total += weight_of[device]
            sum_pu += weight_of[device] * by_node.get(node_of[device], np.ones(day.n_intervals))
        return np.minimum(sum_pu / total, 1.0) if total > 0 else np.ones(day.n_intervals)

    cut = []
    for group in groups:
        up_pu, down_pu = mean(group, shares.up_pu), mean(group, shares.down_pu)
        up_kw = np.where(up_pu < 1, group.up_limit_kw * up_pu, group.up_limit_kw)
        down_kw = np.where(down_pu < 1, group.down_limit_kw * down_pu, group.down_limit_kw)
        cut.append(replace(group, up_limit_kw=up_kw, down_limit_kw=down_kw))
    return tuple(cut)
