"""Was the setpoint followed? The judgement of one interval from what was asked, answered and measured."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]

TOLERANCE_PU = 0.1  # of the change that was asked for
TOLERANCE_OF_RATING_PU = 0.02
SMALLEST_TOLERANCE_KW = 0.1


class Answer(IntEnum):
    """What came back for a setpoint before the interval was measured."""

    NONE = 0
    ACCEPTED = 1
    REFUSED = 2


class Verdict(IntEnum):
    """SILENT: neither an answer nor a reading. UNMEASURED: accepted, but no reading came (yet). UNDECIDED: asked too
    late in the interval for any reading to tell."""

    FOLLOWED = 0
    SILENT = 1
    REFUSED = 2
    DISOBEYED = 3
    UNMEASURED = 4
    UNDECIDED = 5


def judge(
    target_kw: Floats,
    baseline_kw: Floats,
    measured_kw: Floats,
    rated_kw: Floats,
    answer: Codes,
    exact: NDArray[np.bool_],
) -> Codes:
    """Verdict (N,) per setpoint.

    All (N,), kW, consumption positive. measured_kw: NaN without a reading. baseline_kw: expected undispatched power.
    exact : devices that must hit the target from both sides (batteries); the others may go further in the direction
            asked (a car that left consumes even less than the reduced setpoint).
    A device that reports and is where it was asked to be has followed, whatever it answered.
    """
    asked_kw = baseline_kw - target_kw
    tolerance_kw = np.maximum(
        np.maximum(TOLERANCE_PU * np.abs(asked_kw), TOLERANCE_OF_RATING_PU * rated_kw), SMALLEST_TOLERANCE_KW
    )
    above_kw = measured_kw - target_kw
    with np.errstate(invalid="ignore"):
        too_high = (above_kw > tolerance_kw) & (exact | (asked_kw >= 0.0))
        too_low = (above_kw < -tolerance_kw) & (exact | (asked_kw < 0.0))
    missed = too_high | too_low
    silent = np.isnan(measured_kw)
    return np.select(
        [
            silent & (answer == Answer.NONE),
            silent & (answer == Answer.REFUSED),
            silent,
            missed & (answer == Answer.REFUSED),
            missed,
        ],
        [Verdict.SILENT, Verdict.REFUSED, Verdict.UNMEASURED, Verdict.REFUSED, Verdict.DISOBEYED],
        Verdict.FOLLOWED,
    ).astype(np.int8)
