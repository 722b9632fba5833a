"""A class's gradient model as plain numbers, to be stored and taken up again to the last bit.

Kept are the trees themselves, not data, settings and seed to grow them from again: late readings are corrected,
libraries change, and a roll-back must give the numbers of before all the same.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.calendar import DayGrid
from forecasting.kernels.classes import LOAD, PV
from forecasting.kernels.climb import TrainedClass
from forecasting.kernels.gradient import LEVELS, GradientModel
from forecasting.kernels.ladder import Ladder
from forecasting.kernels.memory import fingerprint
from forecasting.kernels.trees import NODE_COLUMNS, BadTrees, Trees

FORMAT = 1


class UnusableModel(ValueError):
    """A stored model that must not be used; the message says why."""


def to_numbers(trained: TrainedClass) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """What JSON can hold, and the node tables of all trees one after the other, flattened."""
    trees = (trained.model.mean, *trained.model.quantiles)
    parameters = {
        "format": FORMAT,
        "features": feature_fingerprint(),
        "columns": trained.model.columns.tolist(),
        "width": trained.model.width,
        "rows": trained.model.rows,
        "baselines": [one.baseline for one in trees],
        "nodes": [len(one.nodes) for one in trees],
        "band_factor": trained.band_factor,
        "weather": list(trained.weather),
    }
    return parameters, np.concatenate([one.nodes for one in trees]).ravel()


def from_numbers(parameters: dict[str, Any], numbers: NDArray[np.floating] | None) -> TrainedClass:
    """The model as it was stored. Raises UnusableModel."""
    if parameters.get("format") != FORMAT or numbers is None:
        raise UnusableModel("stored in another form")
    if parameters.get("features") != feature_fingerprint():
        raise UnusableModel("made for other features than are built now")
    try:
        counts = [int(count) for count in parameters["nodes"]]
        table = np.asarray(numbers, dtype=np.float64).reshape(-1, len(NODE_COLUMNS))
        columns = np.array(parameters["columns"], dtype=np.int64)
        if sum(counts) != len(table) or len(counts) != 1 + len(LEVELS):
            raise BadTrees("the number of nodes does not fit")
        trees = [
            Trees(float(baseline), part)
            for baseline, part in zip(parameters["baselines"], np.split(table, np.cumsum(counts)[:-1]), strict=True)
        ]
        if any((one.nodes[:, 1] >= len(columns)).any() or not one.compiled for one in trees):
            raise BadTrees("a split on a feature that is not there")
        model = GradientModel(trees[0], tuple(trees[1:]), columns, int(parameters["width"]), int(parameters["rows"]))
        return TrainedClass(model, float(parameters["band_factor"]), tuple(parameters["weather"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableModel(f"damaged: {error}") from error


@cache
def feature_fingerprint() -> str:
    """Changes with anything that the trees' inputs are made of: naive members, persistence, blend, features.

    They are built for two made-up series; digits that depend on the machine are left out.
    """
    slots = np.arange(30 * 24, dtype=np.float32)
    values = np.stack([2 + np.sin(slots / 3.8) + slots % 7 / 9, (slots % 24 > 9) * (1 + slots % 5)]).reshape(2, 30, 24)
    values[:, -1, 10:] = np.nan
    dates = np.datetime64("2024-01-01") + np.arange(30).astype("timedelta64[D]")
    grid = DayGrid(values.astype(np.float32), dates, 10, 60, "UTC", frozenset())
    level, capacity = np.full(2, 2.0), np.full(2, 9.0)
    built = [
        Ladder(grid, target_day=30, series_class=kind, level_kw=level, capacity_kw=capacity).features(30, np.arange(2))
        for kind in (LOAD, PV)
    ]
    return fingerprint(*(np.round(one, 2) + 0.0 for one in built))
