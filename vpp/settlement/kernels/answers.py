"""What every baseline method answers: the numbers and the reasons behind them."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Status(StrEnum):
    """Whether a baseline may be paid on."""

    OK = "ok"
    OK_TOPPED_UP = "ok_topped_up"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The same-day adjustment: factor (multiplicative) or kWh per interval (additive), before and after its caps.

    status : none | applied | capped | window_missing | window_overlaps_event | window_baseline_not_positive |
             window_actual_negative.
    raw    : NaN where it could not be computed; applied is then 1 (factor) or 0 (addend).
    """

    kind: str
    status: str
    raw: float
    applied: float


NO_ADJUSTMENT = Adjustment("none", "none", float("nan"), 0.0)


@dataclass(frozen=True, slots=True)
class BaselineAnswer:
    """One answered baseline question; import positive, kWh per interval, NaN = missing.

    credited_kwh : (E,) whole-interval reduction where it is not baseline - actual (generator output), else None.
    starts     : (E,) UTC starts of the intervals that the event touches.
    coverage   : (E,) share of the interval inside the event.
    selected   : reference days with their weights (sum 1), most recent first.
    excluded   : days passed over, each with its reason, most recent first.
    like_days  : the whole like days that were at hand, up to the number the rule collects.
    read_dates : local dates whose readings had a say: a correction there may change this answer.
    unadjusted_kwh, baseline_kwh, actual_kwh : (E,) whole-interval values.
    """

    status: Status
    method: str
    starts: NDArray[np.datetime64]
    coverage: FloatArray
    unadjusted_kwh: FloatArray
    baseline_kwh: FloatArray
    actual_kwh: FloatArray
    adjustment: Adjustment = NO_ADJUSTMENT
    selected: tuple[tuple[date, float], ...] = ()
    excluded: tuple[tuple[date, str], ...] = ()
    like_days: tuple[date, ...] = ()
    read_dates: frozenset[date] = frozenset()
    reason: str = ""
    extra: dict[str, object] = field(default_factory=dict)
    credited_kwh: FloatArray | None = None

    @property
    def reduction_kwh(self) -> FloatArray:
        """(E,) coverage x (baseline - actual), or what a rule of its own credits; negative values are kept."""
        whole = self.baseline_kwh - self.actual_kwh if self.credited_kwh is None else self.credited_kwh
        return self.coverage * whole

    @property
    def total_reduction_kwh(self) -> float:
        """Sum over the event; NaN as soon as one interval is missing."""
        return float(np.sum(self.reduction_kwh))

    @property
    def is_payable(self) -> bool:
        """Whether money may be computed from it."""
        return self.status is not Status.INSUFFICIENT


def insufficient(
    method: str,
    starts: NDArray[np.datetime64],
    coverage: FloatArray,
    actual_kwh: FloatArray,
    reason: str,
    excluded: tuple[tuple[date, str], ...] = (),
    selected: tuple[tuple[date, float], ...] = (),
) -> BaselineAnswer:
    """The answer that pays nothing: every baseline value is missing, the reason is said."""
    nothing = np.full(coverage.size, np.nan)
    return BaselineAnswer(
        status=Status.INSUFFICIENT,
        method=method,
        starts=starts,
        coverage=coverage,
        unadjusted_kwh=nothing,
        baseline_kwh=nothing.copy(),
        actual_kwh=actual_kwh,
        selected=selected,
        excluded=excluded,
        reason=reason,
    )
