"""Who goes short when power is missing, and what an interval will come to from what is measured inside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE_PU = 0.05  # of a commitment; less is within what meters and forecasts can tell apart
SMALLEST_KW = 0.5


def short_by_award(signed_up_kw: Floats, last: NDArray[np.bool_], missing_up_kw: float) -> Floats:
    """(A,) kW >= 0 that each award of an interval goes short.

    signed_up_kw  : (A,) promised, up positive. last: (A,) those that go short last.
    missing_up_kw : committed less placed, up positive.

    What is missing is taken from the awards of its direction: as a rule market awards before commits on asks, because a
    feeder has no other seller; alike awards share it by what they promised.
    """
    promised_kw = np.maximum(signed_up_kw * np.sign(missing_up_kw), 0.0)
    short_kw, rest_kw = np.zeros_like(promised_kw), abs(missing_up_kw)
    for members in (~last, last):
        claim_kw = np.where(members, promised_kw, 0.0)
        taken_kw = min(rest_kw, float(claim_kw.sum()))
        if taken_kw > 0.0:
            short_kw += claim_kw * (taken_kw / claim_kw.sum())
            rest_kw -= taken_kw
    return short_kw


def expected_up_kw(baseline_kw: Floats, target_kw: Floats, live_kw: Floats, weight_left_pu: float) -> Floats:
    """(N,) mean delivery of dispatched devices over the running interval, up positive.

    live_kw        : (N,) newest power measured inside the interval, NaN where none has come: the target is believed.
    weight_left_pu : share of the interval that is still ahead. It is taken to go on as measured, as what is behind.
    """
    believed_kw = np.where(np.isnan(live_kw), target_kw, live_kw)
    if weight_left_pu >= 1.0:
        believed_kw = target_kw  # nothing of this interval can have been measured yet
    return baseline_kw - believed_kw


def worth_an_alarm(committed_up_kw: float, missing_up_kw: float) -> bool:
    """True if so much is missing in the direction of the commitment that somebody should know."""
    if committed_up_kw == 0.0 or missing_up_kw * committed_up_kw <= 0.0:
        return False
    return abs(missing_up_kw) > max(TOLERANCE_PU * abs(committed_up_kw), SMALLEST_KW)
