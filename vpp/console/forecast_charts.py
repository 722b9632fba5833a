"""The forecast board as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from forecasting.queries import AccuracyBoard
from vpp.console.charts import Series, numbers


def class_chart(board: AccuracyBoard) -> dict[str, Any]:
    """Mean error of champion, challenger and last week's same slot, per class, as shares of last week's."""

    def shares(name: str) -> list[float]:
        return [np.nan if getattr(one, name) is None else getattr(one, name) * 100.0 for one in board.classes]

    series: list[Series] = [
        {"name": _("champion"), "role": "up", "y": numbers(shares("mae_ratio"))},
        {"name": _("challenger"), "role": "asked", "y": numbers(shares("challenger_ratio"))},
    ]
    return {
        "labels": [one.class_name for one in board.classes],
        "every": 1,
        "grouped": True,
        "panels": [{"title": _("Error, % of last week's slot"), "unit": "%", "series": series}],
    }
