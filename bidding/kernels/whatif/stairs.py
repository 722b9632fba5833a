"""Where each column and row of a what-if problem stands: which scenario, which interval, which storage.

The interior point method of `blocks` uses it. Scenarios meet only in the positions (the border); within a scenario time
runs forward, so that rows in the order of their intervals make a band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bidding.kernels.solver import FloatArray, LinearModel
from bidding.kernels.whatif.columns import Columns

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Stairs:
    """cells (B, m): columns of one scenario, storage and interval. single (C1,): other columns of one scenario.

    border (C2,): positions and free columns. local (R1,), cell_of_row (R1,): inequalities within one cell.
    band (R2,): rows of one scenario in the order of their intervals, with band_scenario and band_interval (R2,): the
    latest they touch, the earliest is at most one before. across (R3,): all others.
    """

    cells: Index
    single: Index
    border: Index
    local: Index
    cell_of_row: Index
    band: Index
    band_scenario: Index
    band_interval: Index
    across: Index


def stairs_of(model: LinearModel, columns: Columns) -> Stairs:
    scenario, interval, cell = _labels(model, columns)
    matrix = model.rows.tocsr()
    row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    inner = scenario[matrix.indices] >= 0
    first, last = _reach(row_of, scenario[matrix.indices], inner, matrix.shape[0])
    early, late = _reach(row_of, interval[matrix.indices], inner, matrix.shape[0])
    low_cell, high_cell = _reach(row_of, cell[matrix.indices], np.ones_like(inner), matrix.shape[0])
    one = (first == last) & (first >= 0) & (late - early <= 1)
    inequality = model.row_lower < model.row_upper
    is_local = one & inequality & (low_cell == high_cell) & (low_cell >= 0)
    band = np.flatnonzero(one & ~is_local)
    band = band[np.lexsort((band, late[band], first[band]))]
    cells = np.stack([part.ravel() for part in _storage_columns(columns)], axis=1)
    local = np.flatnonzero(is_local)
    return Stairs(
        cells=cells,
        single=np.flatnonzero((scenario >= 0) & (cell < 0)),
        border=np.flatnonzero(scenario < 0),
        local=local,
        cell_of_row=low_cell[local],
        band=band,
        band_scenario=first[band],
        band_interval=late[band],
        across=np.flatnonzero(~one),
    )


def _storage_columns(columns: Columns) -> list[Index]:
    parts = [columns.charge, columns.discharge, columns.energy, *columns.carried]
    return parts + [part for part in (columns.relief, columns.excess) if part is not None]


def _labels(model: LinearModel, columns: Columns) -> tuple[Index, Index, Index]:
    """(C,) scenario, interval and cell of each column; -1 where it has none."""
    scenario, interval, cell = (np.full(model.cost.size, -1, dtype=np.int64) for _ in range(3))
    count_s, _, count_t = columns.charge.shape
    s, t = np.arange(count_s), np.arange(count_t)
    number = np.arange(columns.charge.size).reshape(columns.charge.shape)
    for part in _storage_columns(columns):
        scenario[part], interval[part], cell[part] = s[:, None, None], t, number
    scenario[columns.used], interval[columns.used] = s[:, None, None], t
    if columns.begun is not None:
        scenario[columns.begun] = s[:, None, None]
        interval[columns.begun] = np.minimum(np.arange(count_t + 1), count_t - 1)
    for line in (columns.surplus, columns.deficit):
        if line is not None:
            scenario[line], interval[line] = s[:, None], t
    return scenario, interval, cell


def _reach(row_of: Index, label: Index, counted: Mask, rows: int) -> tuple[Index, Index]:
    """Least and largest label of the counted entries per row; -1 where there is none."""
    low, high = np.full(rows, np.iinfo(np.int64).max), np.full(rows, -1, dtype=np.int64)
    np.minimum.at(low, row_of[counted], label[counted])
    np.maximum.at(high, row_of[counted], label[counted])
    return np.where(high < 0, -1, low), high


@dataclass(frozen=True)
class Cells:
    """The rows' coefficients on groups of columns, padded: rows (B, p) numbers with -1 for none, factors (B, p, m)."""

    columns: Index
    rows: Index
    factors: FloatArray


def gathered(matrix: sparse.csr_matrix, rows: Index, columns: Index) -> Cells:
    """`columns` (B, m): per group every row of `rows` that touches it; row numbers are places in `rows`."""
    place = np.full(matrix.shape[0], -1, dtype=np.int64)
    place[rows] = np.arange(rows.size)
    group, slot = (np.full(matrix.shape[1], -1, dtype=np.int64) for _ in range(2))
    group[columns] = np.arange(columns.shape[0])[:, None]
    slot[columns] = np.arange(columns.shape[1])
    entries = matrix.tocoo()
    kept = (place[entries.row] >= 0) & (group[entries.col] >= 0)
    row, column, value = place[entries.row[kept]], entries.col[kept], entries.data[kept]
    pairs, which = np.unique(np.stack([group[column], row]), axis=1, return_inverse=True)
    rank = np.arange(pairs.shape[1]) - np.searchsorted(pairs[0], pairs[0], side="left")
    most = int(rank.max(initial=-1)) + 1
    found_rows = np.full((columns.shape[0], most), -1, dtype=np.int64)
    found_rows[pairs[0], rank] = pairs[1]
    factors = np.zeros((columns.shape[0], most, columns.shape[1]))
    factors[pairs[0][which], rank[which], slot[column]] = value
    return Cells(columns, found_rows, factors)
