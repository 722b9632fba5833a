"""Groups cut to what the forecast is sure of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bidding.kernels.problem import FlexGroup, FloatArray


def clip_to_envelopes(
    groups: tuple[FlexGroup, ...],
    kind_of: Mapping[str, str],
    up_kw: Mapping[str, FloatArray],
    down_kw: Mapping[str, FloatArray],
) -> tuple[FlexGroup, ...]:
    """Groups of a kind scaled down together where they exceed that kind's envelope room (T,) at the wanted
    confidence.
    """

    def ratio(kind: str, room: Mapping[str, FloatArray], side: str) -> FloatArray | float:
        if kind not in room:
            return 1.0
        total = sum((getattr(group, side) for group in groups if kind_of[group.name] == kind), start=np.zeros(1))
        return np.minimum(1.0, np.maximum(room[kind], 0.0) / np.maximum(total, 1e-9))

    return tuple(
        replace(
            group,
            up_limit_kw=group.up_limit_kw * ratio(kind_of[group.name], up_kw, "up_limit_kw"),
            down_limit_kw=group.down_limit_kw * ratio(kind_of[group.name], down_kw, "down_limit_kw"),
        )
        for group in groups
    )
