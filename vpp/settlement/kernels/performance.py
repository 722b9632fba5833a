"""What was delivered of what was committed: sharing one metered quantity between awards, shares, performance factors.

Signed quantities are relative to the baseline with UP (less consumption, more production, a wholesale SELL) positive;
`up_kw` and `down_kw` are non-negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from vpp.settlement.kernels.answers import FloatArray

CREDITED_OVERDELIVERY_PU = 1.1  # the share credits at most 110 % of an interval's commitment


class Rank(IntEnum):
    """Who is served first when awards overlap: a grid need, then a reserve activation, then energy."""

    ASK = 0
    RESERVE = 1
    ENERGY = 2


@dataclass(frozen=True, slots=True)
class Obligation:
    """What one award called for, per interval; for reserve only what was activated.

    up_kw, down_kw : (H,) non-negative.
    """

    rank: Rank
    up_kw: FloatArray
    down_kw: FloatArray

    @property
    def signed_kw(self) -> FloatArray:
        """(H,) up positive."""
        return self.up_kw - self.down_kw


def share_delivery(delivered_kw: FloatArray, obligations: Sequence[Obligation]) -> tuple[FloatArray, FloatArray]:
    """Attribute a portfolio's net delivery to its overlapping awards.

    delivered_kw : (H,) net, up positive; NaN (no proof) counts as nothing delivered.
    returns      : (A, H) signed kW per award and (H,) the rest that no award explains.

    Product rule. In each interval the net commitment has a direction. Awards against it count as delivered in full and
    so add to what the others can draw on; awards along it draw in the order ask, reserve, energy, each up to its
    commitment. What is left over, of either sign, belongs to the energy awards of that interval (their imbalance), by
    commitment; without one it stays unexplained and earns nothing.
    """
    delivered = np.nan_to_num(delivered_kw, nan=0.0)
    if not obligations:
        return np.zeros((0, delivered.size)), delivered
    up = np.array([obligation.up_kw for obligation in obligations])
    down = np.array([obligation.down_kw for obligation in obligations])
    upward = up.sum(axis=0) >= down.sum(axis=0)
    along, against = np.where(upward, up, down), np.where(upward, down, up)
    pool = np.where(upward, delivered, -delivered) + against.sum(axis=0)
    parts = np.zeros_like(up)
    for row in sorted(range(len(obligations)), key=lambda index: (obligations[index].rank, index)):
        parts[row] = np.clip(pool, 0.0, along[row])
        pool = pool - parts[row]
    attributed = np.where(upward, parts - against, against - parts)
    rest = np.where(upward, pool, -pool)
    energy = np.array([obligation.rank is Rank.ENERGY for obligation in obligations])
    weight = np.where(energy[:, None], up + down, 0.0)
    total = weight.sum(axis=0)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return attributed + weight * rest, np.where(total > 0, 0.0, rest)


def delivered_shares(delivered_kw: FloatArray, committed_kw: FloatArray) -> tuple[float, float]:
    """(credited share, raw share) of an award; NaN where nothing was committed.

    delivered_kw, committed_kw : (H,) signed, up positive; the commitment gives the direction that counts.

    Credited: sum of min(max(delivered, 0), 1.1 committed) / sum committed. Raw: sum of delivered / sum of committed.
    """
    size = np.abs(committed_kw)
    total = float(size.sum())
    if total == 0:
        return float("nan"), float("nan")
    along = np.sign(committed_kw) * delivered_kw
    credited = np.minimum(np.maximum(along, 0.0), CREDITED_OVERDELIVERY_PU * size)
    return float(credited.sum()) / total, float(along[size > 0].sum()) / total


def uftp_quantities(ordered_kw: FloatArray, realized_kw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(delivered, deficiency) per ISP as UFTP settles them, both non-negative kW.

    ordered_kw  : (H,) non-negative. realized_kw : (H,) in the ordered direction, any sign.

    delivered = min(ordered, max(0, realized)); deficiency = max(0, ordered - realized), one-sided and not capped at the
    ordered power (settlement rules, section 4, row UFTP).
    """
    delivered = np.minimum(ordered_kw, np.maximum(realized_kw, 0.0))
    deficiency = np.where(ordered_kw > 0, np.maximum(ordered_kw - realized_kw, 0.0), 0.0)
    return delivered, deficiency


def band_factor(delivered_pu: float, band: Sequence[tuple[float, float]]) -> float:
    """The performance factor k(x) of a piecewise-linear table.

    delivered_pu : x = delivered / committed; NaN (nothing was called for) gives 1.
    band         : (x, k) points in rising x; an x that stands twice is a step, whose later value holds from x on.

    Outside the table its first or last value holds.
    """
    if np.isnan(delivered_pu):
        return 1.0
    points = np.asarray(band, dtype=np.float64)
    x, factor = points[:, 0], points[:, 1]
    if np.any(np.diff(x) < 0):
        raise ValueError("the band's points are not in rising order")
    right = int(np.searchsorted(x, delivered_pu, side="right"))
    if right == 0:
        return float(factor[0])
    if right == x.size:
        return float(factor[-1])
    slope = (factor[right] - factor[right - 1]) / (x[right] - x[right - 1])
    return float(factor[right - 1] + slope * (delivered_pu - x[right - 1]))
