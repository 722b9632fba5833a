"""One order of reactive power into many setpoints: what each inverter gives beside the real power it is at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vpp.dispatch.kernels.shares import whole_watts
from vpp.lib.inverters import capability_kvar
from vpp.lib.units import VAR_PER_KVAR

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class KvarSplit:
    """kvar (N,) and missing_kvar, signed as the order; their sum is the order, exact to the var."""

    kvar: Floats
    missing_kvar: float


def split_kvar(ordered_kvar: float, apparent_kva: Floats, power_kw: Floats, able: Bools) -> KvarSplit:
    """Share an order, injection positive, over N inverters of apparent_kva at power_kw; able (N,): may be asked at all.

    Each gives the same part z of its apparent power, as far as it can: min(sqrt(S^2 - P^2), z S). So shares stay as
    they are while real powers move, unless one of them leaves too little. In whole vars, never above what is left.
    """
    room_var = np.where(able, np.floor(capability_kvar(apparent_kva, power_kw) * VAR_PER_KVAR), 0.0)
    ordered_var = float(np.round(abs(ordered_kvar) * VAR_PER_KVAR))
    given_var = min(ordered_var, float(room_var.sum()))
    share_var = whole_watts(_level(given_var, room_var, apparent_kva), room_var, given_var)
    sign = -1.0 if ordered_kvar < 0.0 else 1.0
    return KvarSplit(
        sign * share_var / VAR_PER_KVAR + 0.0,  # no negative zero
        sign * (ordered_var - given_var) / VAR_PER_KVAR + 0.0,
    )


def _level(wanted: float, cap: Floats, weight: Floats) -> Floats:
    """min(cap, z weight), with z such that the sum is `wanted`; found on the sorted breakpoints cap / weight."""
    if wanted <= 0.0:
        return np.zeros_like(cap)
    if wanted >= cap.sum():
        return cap.copy()
    used = np.flatnonzero(cap > 0.0)
    full_at = cap[used] / weight[used]
    order = np.argsort(full_at, kind="stable")
    cap_up, weight_up = cap[used][order], weight[used][order]
    before = np.cumsum(cap_up) - cap_up
    left = np.cumsum(weight_up[::-1])[::-1]
    at = min(int(np.searchsorted(before + full_at[order] * left, wanted)), used.size - 1)
    share = np.zeros_like(cap)
    share[used] = np.minimum(cap[used], (wanted - before[at]) / left[at] * weight[used])
    return share
