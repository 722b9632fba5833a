"""Envelopes of groups: inner bounds, so that any schedule inside can be split over the devices it was built from.

Adding up energy bounds of different devices promises too much (a full battery beside an empty one). Devices without
energy coupling add up exactly. The others contribute scaled copies of one common shape, whose sum is exact: homothets,
Zhao, Zhang, Hao & Kalsi (2017), IEEE Trans. Power Systems 32(1), doi:10.1109/TPWRS.2016.2548923.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.envelope import Deviations

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GroupEnvelope:
    """Bounds (H,) of a group's power and of its cumulative energy at the end of each interval.

    baseline_kw and the bounds are absolute; energy bounds are finite (where energy never binds, the powers' sums).
    discharge_limit_kwh : energy below zero power a day within which the promise holds; inf if it never binds.
    share (N,) : fixed part of each device in any deviation, for groups coupled by energy; None where the split follows
    the power range. device_baseline_kw, down_kw, up_kw (N, H) are kept for the split.
    """

    baseline_kw: Array
    power_min_kw: Array
    power_max_kw: Array
    energy_min_kwh: Array
    energy_max_kwh: Array
    discharge_limit_kwh: float
    share: Array | None
    device_baseline_kw: Array
    down_kw: Array
    up_kw: Array


def group_envelope(baseline_kw: Array, deviations: Deviations, *, step_minutes: int) -> GroupEnvelope:
    """Envelope of N devices with baselines (N, H)."""
    coupled = np.isfinite(deviations.more_kwh).any() or np.isfinite(deviations.less_kwh).any()
    if not coupled:
        down, up = deviations.down_kw.sum(axis=0), deviations.up_kw.sum(axis=0)
        free = np.full(baseline_kw.shape[1], np.inf)
        return _absolute(baseline_kw, deviations, down, up, free, free, np.inf, None, step_minutes)
    share, scale, shape = _common_shape(deviations)
    limits = np.divide(deviations.discharge_limit_kwh, share, out=np.full(len(share), np.inf), where=share > 0)
    limit_kwh = float(limits.min(initial=np.inf))
    down, up, more, less = (scale * bound for bound in shape)
    return _absolute(baseline_kw, deviations, down, up, more, less, limit_kwh, share, step_minutes)


def whole_portfolio(groups: list[GroupEnvelope], *, step_minutes: int) -> GroupEnvelope:
    """Envelope of several groups together that holds for any order of ups and downs.

    Raises ValueError without groups.
    """
    if not groups:
        raise ValueError("a portfolio envelope needs at least one group")
    horizon = len(groups[0].baseline_kw)
    baseline = np.array([group.baseline_kw for group in groups])
    reaches = [held_reach(group, step_minutes=step_minutes) for group in groups]
    down, up = np.array([reach[0] for reach in reaches]), np.array([reach[1] for reach in reaches])
    free = np.full((len(groups), horizon), np.inf)
    return group_envelope(
        baseline, Deviations(down, up, free, free, np.full(len(groups), np.inf)), step_minutes=step_minutes
    )


def held_reach(group: GroupEnvelope, *, step_minutes: int) -> tuple[Array, Array]:
    """(down, up) deviations (H,) that a group can hold in any order.

    A coupled group enters with what it can hold from midnight to midnight in one direction, so that no schedule inside
    can empty or fill it.
    """
    down_kw, up_kw = group.power_max_kw - group.baseline_kw, group.baseline_kw - group.power_min_kw
    if group.share is None:
        return down_kw, up_kw
    hours = step_minutes / 60
    cumulative = np.cumsum(group.baseline_kw) * hours
    elapsed = np.arange(1, len(cumulative) + 1) * hours
    up_held = min(((cumulative - group.energy_min_kwh) / elapsed).min(), group.discharge_limit_kwh / elapsed[-1])
    down_held = ((group.energy_max_kwh - cumulative) / elapsed).min()
    return np.minimum(down_kw, max(down_held, 0)), np.minimum(up_kw, max(up_held, 0))


def split_schedule(group: GroupEnvelope, schedule_kw: Array) -> Array:
    """Device schedules (N, H) that add up to a schedule (H,) inside the group's envelope.

    Coupled devices get their fixed share of the deviation; the others a share of it by their own range.
    """
    deviation = schedule_kw - group.baseline_kw
    if group.share is not None:
        return group.device_baseline_kw + group.share[:, None] * deviation
    reach = np.where(deviation > 0, group.down_kw, group.up_kw)
    total = reach.sum(axis=0)
    part = np.divide(reach, total, out=np.zeros_like(reach), where=total > 0)
    split: Array = group.device_baseline_kw + part * deviation
    return split


def _common_shape(deviations: Deviations) -> tuple[Array, float, tuple[Array, Array, Array, Array]]:
    """Shares (N,), scale and prototype bounds (down, up, more, less) of a coupled group.

    Each device holds share * scale times the prototype. The prototype is the group's sum with its energy bounds made
    smaller by the factor that leaves the largest volume: devices with little energy then do not hold back the powerful.
    """
    bounds = (deviations.down_kw, deviations.up_kw, deviations.more_kwh, deviations.less_kwh)
    finite = [np.where(np.isfinite(bound), bound, 0.0).sum(axis=0) for bound in bounds]
    totals = [
        np.where(np.isfinite(bound).all(axis=0), part, np.inf) for bound, part in zip(bounds, finite, strict=True)
    ]
    best: tuple[float, Array, tuple[Array, ...]] | None = None
    for factor in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3):
        shape: tuple[Array, ...] = (totals[0], totals[1], totals[2] * factor, totals[3] * factor)
        sizes = _sizes(bounds, shape)
        volume = float(sizes.sum()) * factor**0.5
        if best is None or volume > best[0] + 1e-12:
            best = (volume, sizes, shape)
    assert best is not None
    _, sizes, shape = best
    scale = float(sizes.sum())
    share = sizes / scale if scale > 0 else np.zeros(len(sizes))
    return share, scale, (shape[0], shape[1], shape[2], shape[3])


def _sizes(bounds: tuple[Array, ...], shape: tuple[Array, ...]) -> Array:
    """Largest factor (N,) for which each device holds that multiple of the shape."""
    sizes = np.full(len(bounds[0]), np.inf)
    for bound, whole in zip(bounds, shape, strict=True):
        binding = np.isfinite(whole) & (whole > 1e-9)
        if binding.any():
            sizes = np.minimum(sizes, (bound[:, binding] / whole[binding]).min(axis=1))
    return np.where(np.isfinite(sizes), sizes, 0.0)


def _absolute(
    baseline_kw: Array,
    deviations: Deviations,
    down: Array,
    up: Array,
    more: Array,
    less: Array,
    discharge_limit_kwh: float,
    share: Array | None,
    step_minutes: int,
) -> GroupEnvelope:
    hours = step_minutes / 60
    baseline = baseline_kw.sum(axis=0)
    cumulative = np.cumsum(baseline) * hours
    more, less = np.where(np.isfinite(more), more, np.inf), np.where(np.isfinite(less), less, np.inf)
    return GroupEnvelope(
        baseline_kw=baseline,
        power_min_kw=baseline - up,
        power_max_kw=baseline + down,
        energy_min_kwh=cumulative - np.minimum(less, np.cumsum(up) * hours),
        energy_max_kwh=cumulative + np.minimum(more, np.cumsum(down) * hours),
        discharge_limit_kwh=discharge_limit_kwh,
        share=share,
        device_baseline_kw=baseline_kw,
        down_kw=deviations.down_kw,
        up_kw=deviations.up_kw,
    )
