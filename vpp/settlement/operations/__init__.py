"""What settlement does: settle a closed day, restate it, and prove that an old run still comes out the same."""

from vpp.settlement.operations.settle import (
    DayNotClosed,
    VersionOutOfOrder,
    enqueue_day,
    restate_changed,
    restate_day,
    settle_day,
)
from vpp.settlement.operations.verify import ResultDiffers, verify_run

__all__ = [
    "DayNotClosed",
    "ResultDiffers",
    "VersionOutOfOrder",
    "enqueue_day",
    "restate_changed",
    "restate_day",
    "settle_day",
    "verify_run",
]
