"""Feeder-days as a worker runs them; in a module of its own, so that a spawned process finds it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vpp.network.kernels.document import NetworkDocument, feeder_model
from vpp.network.kernels.power_flow import run_power_flow

Feeder = tuple[NetworkDocument, NDArray[np.float64], NDArray[np.float64]]


def feeder_days(feeder: Feeder, count: int, seed: int = 0) -> None:
    """Model from the document, power flow of 96 intervals, every output: `count` times with other injections."""
    document, p_kw, q_kvar = feeder
    rng = np.random.default_rng(seed)
    for _ in range(count):
        scale = rng.uniform(0.3, 1.0, (96, 1)) * rng.uniform(0.7, 1.3, (96, p_kw.size))
        run_power_flow(feeder_model(document), scale * p_kw, scale * q_kvar)
