"""Signs of a baseline that somebody made: numbers for a person to judge, never a verdict."""

from collections.abc import Sequence

import numpy as np

from vpp.settlement.kernels.answers import FloatArray

FLOOR_PU = 0.02  # like days that hardly differ would make any change look large


def z_score(value: float, like: FloatArray) -> float:
    """How many standard deviations a value lies above like days; NaN with fewer than five of them.

    The deviation is at least 2 % of their mean.
    """
    known = like[~np.isnan(like)]
    if known.size < 5 or np.isnan(value):
        return float("nan")
    mean = float(known.mean())
    spread = max(float(known.std(ddof=1)), FLOOR_PU * abs(mean), 1e-9)
    return (value - mean) / spread


def jump_after_notice(day: FloatArray, like: FloatArray, notice: int, window_end: int) -> float:
    """Z-score of (mean from notice to the window's end) - (mean of as many intervals before the notice).

    day : (T,) the event day. like : (D, T) like days. Load that rises only once the event is known of stands out.
    """
    length = window_end - notice
    if length <= 0 or notice < length:
        return float("nan")

    def rise(rows: FloatArray) -> FloatArray:
        after, before = rows[..., notice:window_end], rows[..., notice - length : notice]
        return np.asarray(after.mean(axis=-1) - before.mean(axis=-1), dtype=np.float64)

    rises = rise(like)
    spread_floor = FLOOR_PU * abs(float(np.nanmean(like[:, notice:window_end]))) if like.size else 0.0
    known = rises[~np.isnan(rises)]
    if known.size < 5:
        return float("nan")
    spread = max(float(known.std(ddof=1)), spread_floor, 1e-9)
    return float((rise(day) - known.mean()) / spread)


def repeated_offset(addends: Sequence[float], least: int = 4) -> float:
    """Mean over standard error of the adjustments of event after event; large if they always point one way.

    addends : (adjusted - unadjusted) / unadjusted per event, newest last. NaN with fewer than `least`.
    """
    known = np.array([value for value in addends if not np.isnan(value)])
    if known.size < least:
        return float("nan")
    spread = max(float(known.std(ddof=1)), FLOOR_PU)
    return float(known.mean() / (spread / np.sqrt(known.size)))


def shifted_pairs(deviation_kwh: FloatArray, least_kwh: float, balance_pu: float = 0.2) -> list[tuple[int, int]]:
    """Pairs of sites of which one falls about as far below its like days as the other rises above its own.

    deviation_kwh : (S,) event energy less the like days' mean. least_kwh : smaller moves are noise.
    """
    rising = [row for row, value in enumerate(deviation_kwh) if value >= least_kwh]
    falling = [row for row, value in enumerate(deviation_kwh) if value <= -least_kwh]
    pairs = []
    for low in falling:
        for high in rising:
            up, down = float(deviation_kwh[high]), float(-deviation_kwh[low])
            if abs(up - down) <= balance_pu * max(up, down):
                pairs.append((low, high))
    return pairs


def raised_near_offers(offered: FloatArray, others: FloatArray, least_days: int = 4) -> float:
    """How far load on offered but not dispatched days stands above like days, in standard errors of its mean.

    offered : (O,) event-hour energy on days with an offer and no dispatch. others : (D,) of like days without any.
    Such days shape the baseline of the next event; NaN with fewer than `least_days` of them or five others.
    """
    known, like = offered[~np.isnan(offered)], others[~np.isnan(others)]
    if known.size < least_days or like.size < 5:
        return float("nan")
    spread = max(float(like.std(ddof=1)), FLOOR_PU * abs(float(like.mean())), 1e-9)
    return float((known.mean() - like.mean()) / (spread * np.sqrt(1 / known.size + 1 / like.size)))
