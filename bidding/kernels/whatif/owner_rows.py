"""What owners allow of each storage a day: hours of use and movements begun; as in `bidding.kernels.owner_rows`."""

from __future__ import annotations

import numpy as np

from bidding.kernels.array_model import ArrayModel, Term
from bidding.kernels.problem import FloatArray
from bidding.kernels.whatif.columns import Columns
from bidding.kernels.whatif.stated import WhatIf
from vpp.lib.units import KW_PER_MW


def owner_rows(problem: WhatIf, made: ArrayModel, columns: Columns) -> None:
    """Rows of storages with such limits.

    max_hours : charge and discharge as shares of the storage's peak power, reserves as they are expected to be called.
    max_starts : upward steps of the net movement, back to nothing at the end, and of each reserve carried.
    """
    charge_mw, discharge_mw = (
        np.maximum(kw.max(axis=1), 1e-9) / KW_PER_MW for kw in (problem.fleet.charge_kw, problem.fleet.discharge_kw)
    )
    for i in np.flatnonzero(problem.fleet.max_hours < problem.hours * problem.intervals):
        terms: list[Term] = [
            (columns.charge[:, i].T, problem.hours / charge_mw[i]),
            (columns.discharge[:, i].T, problem.hours / discharge_mw[i]),
        ]
        for item, carried in zip(problem.reserves, columns.carried, strict=True):
            peak = discharge_mw[i] if item.is_up else charge_mw[i]
            terms.append((carried[:, i].T, problem.hours * item.activation / peak))
        made.rows("owner_hours", (problem.scenarios,), terms, -np.inf, float(problem.fleet.max_hours[i]))
    limited = np.flatnonzero(problem.fleet.max_starts < problem.intervals)
    if limited.size:
        _start_rows(problem, made, columns, limited, np.minimum(charge_mw, discharge_mw)[limited])


def _start_rows(problem: WhatIf, made: ArrayModel, columns: Columns, limited: np.ndarray, power_mw: FloatArray) -> None:
    """begun (n, S, L, T + 1): of the net movement and of each reserve."""
    parts: list[list[Term]] = [[(columns.discharge[:, limited], 1.0), (columns.charge[:, limited], -1.0)]]
    parts += [[(carried[:, limited], 1.0)] for carried in columns.carried]
    shape = (problem.scenarios, limited.size, problem.intervals + 1)
    share = (1.0 / power_mw)[:, None]
    both_mw = (problem.fleet.charge_kw + problem.fleet.discharge_kw)[limited].max(axis=1)[:, None] / KW_PER_MW
    columns.begun = np.stack([made.columns(shape, 0.0, both_mw * share) for _ in parts])
    for begun, series in zip(columns.begun, parts, strict=True):
        terms: list[Term] = [(begun, 1.0)]
        for index, sign in series:
            now = np.concatenate([index, index[..., -1:]], axis=2)
            before = np.concatenate([index[..., :1], index], axis=2)
            here, there = np.ones(shape[2]), np.ones(shape[2])
            here[-1] = there[0] = 0.0
            terms += [(now, -np.asarray(sign) * share * here), (before, np.asarray(sign) * share * there)]
        made.rows("begun", shape, terms, 0.0, np.inf)
    every = np.moveaxis(columns.begun, (0, 3), (0, 1)).reshape(-1, *shape[:2])
    made.rows("starts", shape[:2], [(every, 1.0)], -np.inf, problem.fleet.max_starts[limited])
