"""A window of a delivery day by the wall clock."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from django.utils.translation import gettext

from vpp.console.ask_form import MIDNIGHT, STEP_MINUTES
from vpp.lib.periods import DeliveryDay, local_moment


def window(day: date, zone: str, begins: Any, ends: Any, count: int) -> np.ndarray:
    """(H,) mask of [begins, ends) on the delivery day."""
    grid = DeliveryDay(day, zone, STEP_MINUTES)
    first = grid.index_of(local_moment(day, begins, zone))
    last = count if ends == MIDNIGHT else grid.index_of(local_moment(day, ends, zone))
    if last <= first:
        raise ValueError(gettext("The window ends before it begins."))
    inside = np.zeros(count, dtype=bool)
    inside[first:last] = True
    return inside
