"""The same bid problem with one interval per market time unit: a relaxation, four to sixteen times smaller.

Every row of the coarse problem is the mean of rows of the fine one, or one of them, so each plan of the fine problem
has its means as a plan of the coarse one, at the same profit: the coarse optimum bounds the fine one. Its whole lots
are the fine problem's best guess.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bidding.kernels.problem import (
    DOWN,
    UP,
    AskRequest,
    BidProblem,
    EnergyProduct,
    FeederLimit,
    FlexGroup,
    FloatArray,
    MeanEnergy,
    RecoveryRoom,
    ReserveProduct,
)


def coarsen(problem: BidProblem) -> BidProblem | None:
    """The coarse problem; None where it would not be smaller or would not bound the fine one.

    It needs an energy product with market time units of equal length, other products' blocks made of whole ones, and
    lossy groups whose limits stay the same within one (else the direction row has no mean).
    """
    size = _unit_size(problem)
    if size is None:
        return None
    groups = [_group(problem, group, size) for group in problem.groups]
    if any(group is None for group in groups):
        return None
    room = problem.recovery_room()
    assert problem.energy is not None
    return replace(
        problem,
        step_hours=problem.step_hours * size,
        groups=tuple(group for group in groups if group is not None),
        energy=replace(problem.energy, **_blocks(problem.energy, size)),
        reserves=tuple(replace(item, **_blocks(item, size)) for item in problem.reserves),
        asks=tuple(_ask(ask, size) for ask in problem.asks),
        feeders=tuple(_feeder(feeder, size) for feeder in problem.feeders),
        book_up_kw=_mean(problem.book_up_kw, size),
        book_down_kw=_mean(problem.book_down_kw, size),
        committed_net_up_kw=_mean(problem.committed_net_up_kw, size),
        imbalance_price_eur_per_mwh=_mean(problem.imbalance_price_eur_per_mwh, size),
        committed_reserve_kw={code: _mean(series, size) for code, series in problem.committed_reserve_kw.items()},
        recovery=RecoveryRoom(*(_mean(series, size) for series in (room.surplus_kw, room.deficit_kw, room.either_kw))),
        missed_room_kw=(
            _mean(np.maximum(problem.committed_net_up_kw, 0.0), size),
            _mean(np.maximum(-problem.committed_net_up_kw, 0.0), size),
        ),
    )


def _unit_size(problem: BidProblem) -> int | None:
    if problem.energy is None:
        return None
    counts = np.bincount(problem.energy.block_of_interval)
    size = int(counts[0])
    regular = np.array_equal(problem.energy.block_of_interval, np.arange(problem.n_intervals) // size)
    whole = all(
        np.all(item.block_of_interval.reshape(-1, size) == item.block_of_interval[::size, None])
        for item in problem.reserves
        if problem.n_intervals % size == 0
    )
    steady = np.ptp(problem.imbalance_price_eur_per_mwh.reshape(-1, size), axis=1).max() < 1e-9 if regular else False
    return size if size > 1 and np.all(counts == size) and regular and whole and steady else None


def _blocks(item: EnergyProduct | ReserveProduct, size: int) -> dict[str, Any]:
    """Of the mean of an obligation a mean shortfall is left: what is offered is the same in all of a block."""
    wanted = None if item.must_offer_kw is None else _mean(item.must_offer_kw, size)
    return {"block_of_interval": item.block_of_interval[::size], "must_offer_kw": wanted}


def _mean(series: FloatArray, size: int) -> FloatArray:
    return np.asarray(series.reshape(-1, size).mean(axis=1), dtype=np.float64)


def _group(problem: BidProblem, group: FlexGroup, size: int) -> FlexGroup | None:
    """Means of the powers, energy bounds at the end of each unit; a little more room where energy is lost with time.

    Within a unit the fine energy keeps l^(n-1-j) of what moved in step j, the coarse one all of it: over a day they
    part by `drift` at most.
    """
    if group.loses_energy:
        for limit in (group.up_limit_kw, group.down_limit_kw):
            if np.ptp(limit.reshape(-1, size), axis=1).max(initial=0.0) > 1e-9:
                return None
    up_kw, down_kw = _mean(group.up_limit_kw, size), _mean(group.down_limit_kw, size)
    ratio = max(_peak_ratio(group.up_limit_kw, up_kw), _peak_ratio(group.down_limit_kw, down_kw))
    coarse = replace(
        group, up_limit_kw=up_kw, down_limit_kw=down_kw, max_hours=group.max_hours * ratio,
        max_starts=group.max_starts * ratio, rest_hours=0.0,
    )  # fmt: skip
    if group.energy_min_kwh is None or group.energy_max_kwh is None:
        return coarse
    kept = group.retention ** (size - 1)
    moved_kw = group.charge_efficiency * (down_kw + up_kw) + (up_kw + down_kw) / group.discharge_efficiency
    drift_kwh = (1.0 - kept) * float(moved_kw.sum()) * problem.step_hours * size
    floor_slack_kwh, roof_slack_kwh = _wander(problem, group)
    return replace(
        coarse,
        energy_min_kwh=group.energy_min_kwh[size - 1 :: size] - drift_kwh,
        energy_max_kwh=group.energy_max_kwh[size - 1 :: size] + drift_kwh,
        energy_end_kwh=group.energy_end_kwh - drift_kwh,
        retention=group.retention**size,
        mean_energy=MeanEnergy(
            size,
            floor_slack_kwh,
            roof_slack_kwh,
            _mean(group.energy_min_kwh, size) - drift_kwh,
            _mean(group.energy_max_kwh, size) + drift_kwh,
        ),
    )


def _peak_ratio(fine_kw: FloatArray, coarse_kw: FloatArray) -> float:
    """How much lower the peak of the means is, at least 1: shares of the peak grow by as much."""
    return max(float(fine_kw.max(initial=0.0)) / max(float(coarse_kw.max(initial=0.0)), 1e-9), 1.0)


def _wander(problem: BidProblem, group: FlexGroup) -> tuple[float, float]:
    """kWh of endurance, at the floor and at the roof, that the other groups can take over within a unit."""
    others_kw = sum(
        float((other.up_limit_kw + other.down_limit_kw).max(initial=0.0))
        for other in problem.groups
        if other is not group
    )
    own_kw = float((group.up_limit_kw + group.down_limit_kw).max(initial=0.0))
    shift_kw = min(others_kw, own_kw)
    floor = sum(item.endurance_h for item in problem.reserves if item.covers(UP)) / group.discharge_efficiency
    roof = sum(item.endurance_h for item in problem.reserves if item.covers(DOWN)) * group.charge_efficiency
    return floor * shift_kw, roof * shift_kw


def _ask(ask: AskRequest, size: int) -> AskRequest:
    """Mean quantity; bound to its place only where it fills whole units, since elsewhere the rest may move freely."""
    wanted = ask.quantity_kw.reshape(-1, size) > 0
    return replace(
        ask,
        quantity_kw=_mean(ask.quantity_kw, size),
        bound_to_place=bool(np.all(wanted.any(axis=1) == wanted.all(axis=1))),
    )


def _feeder(feeder: FeederLimit, size: int) -> FeederLimit:
    """Mean room each way, around a baseline of zero."""
    room_in = np.maximum(feeder.import_limit_kw - feeder.base_kw, 0.0)
    room_out = np.maximum(feeder.export_limit_kw + feeder.base_kw, 0.0)
    return FeederLimit(
        feeder.feeder, np.zeros(feeder.base_kw.size // size), _mean(room_in, size), _mean(room_out, size)
    )
