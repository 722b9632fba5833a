"""Boosted trees as plain numbers: taken out of scikit-learn once, stored as an array, evaluated here.

A stored model is then no program: nothing is unpickled, and no later version of a library can change what it says. The
sum runs in scikit-learn's order, so the numbers are the same to the last bit.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.kernels.arrays import Floats

MOST_LEAVES = 16
NODE_COLUMNS = ("tree", "feature", "threshold", "missing_left", "left", "right", "value", "is_leaf")
BLOCK_ROWS = 4096
ALL = np.uint16(0xFFFF)


class BadTrees(ValueError):
    """A node table that is no set of trees."""


@dataclass(frozen=True)
class _Tree:
    """Splits of one tree: rows go right where the feature is above the threshold, and then lose the left leaves."""

    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    kept: NDArray[np.uint16]
    leaf_value: NDArray[np.float64]


@dataclass(frozen=True)
class Trees:
    """baseline plus the sum of all trees; nodes (n, 8) in the order of NODE_COLUMNS, trees one after the other.

    left and right are places within the tree; a leaf has its value, a split its feature and threshold.
    """

    baseline: float
    nodes: NDArray[np.float64]

    @cached_property
    def compiled(self) -> list[_Tree]:
        """Raises BadTrees."""
        table = np.asarray(self.nodes, dtype=np.float64).reshape(-1, len(NODE_COLUMNS))
        if not np.isfinite(table).all() or not np.isfinite(self.baseline):
            raise BadTrees("a node holds no number")
        borders = np.flatnonzero(np.diff(table[:, 0])) + 1
        return [_compiled(part) for part in np.split(table, borders)] if len(table) else []

    def predict(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """(R,) for features (F, R), contiguous by feature; NaN goes where the tree learned to send what is missing."""
        out = np.full(columns.shape[1], self.baseline)
        for start in range(0, len(out), BLOCK_ROWS):
            block, found = columns[:, start : start + BLOCK_ROWS], out[start : start + BLOCK_ROWS]
            for tree in self.compiled:
                found += _leaves(tree, block)
        return out


def from_sklearn(regressor: Any) -> Trees:
    """The trees of a fitted HistGradientBoostingRegressor without categories."""
    tables = []
    for number, (predictor,) in enumerate(regressor._predictors):
        nodes = predictor.nodes
        if nodes["is_categorical"].any():
            raise BadTrees("categorical splits are not kept")
        fields = ("feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "value", "is_leaf")
        columns = [np.full(len(nodes), number), *(nodes[field] for field in fields)]
        tables.append(np.stack(columns, axis=1).astype(np.float64))
    found = np.concatenate(tables) if tables else np.zeros((0, len(NODE_COLUMNS)))
    leaf = found[:, 7] > 0
    found[leaf, 1:6] = 0
    found[~leaf, 6] = 0
    found[:, 2] = np.nan_to_num(found[:, 2])  # a split of missing from known has an infinite threshold
    return Trees(float(np.asarray(regressor._baseline_prediction).ravel()[0]), found)


def _compiled(table: NDArray[np.float64]) -> _Tree:
    """Number the leaves from left to right; each split remembers which are left when a row goes right."""
    is_leaf = table[:, 7] > 0
    if not 1 <= is_leaf.sum() <= MOST_LEAVES or len(table) != 2 * is_leaf.sum() - 1:
        raise BadTrees(f"a tree of {len(table)} nodes and {int(is_leaf.sum())} leaves")
    splits: list[tuple[int, int]] = []
    leaves: list[int] = []

    def walk(node: int, depth: int) -> None:
        if not 0 <= node < len(table) or depth > len(table):
            raise BadTrees("a branch leads nowhere")
        if is_leaf[node]:
            leaves.append(node)
            return
        before = len(leaves)
        walk(int(table[node, 4]), depth + 1)
        splits.append((node, sum(1 << place for place in range(before, len(leaves)))))
        walk(int(table[node, 5]), depth + 1)

    walk(0, 0)
    chosen = np.array([node for node, _ in splits], dtype=np.int64)
    with np.errstate(over="ignore"):
        threshold = table[chosen, 2].astype(np.float32)
    too_high = threshold.astype(np.float64) > table[chosen, 2]
    return _Tree(
        feature=table[chosen, 1].astype(np.int64),
        # the largest float32 that is not above it separates float32 features just as well
        threshold=np.where(too_high, np.nextafter(threshold, np.float32(-np.inf)), threshold)[:, None],
        missing_left=table[chosen, 3] > 0,
        kept=np.array([int(ALL) ^ lost for _, lost in splits], dtype=np.uint16)[:, None],
        leaf_value=table[leaves, 6],
    )


def _leaves(tree: _Tree, block: Floats) -> NDArray[np.float64]:
    """(R,) value of the leaf that each row ends in: the first one that no split on its way took away.

    Lucchese et al. (2015), "QuickScorer", SIGIR, doi:10.1145/2766462.2767733.
    """
    if not len(tree.feature):
        return np.full(block.shape[1], tree.leaf_value[0])
    picked = block[tree.feature]
    right = picked > tree.threshold
    if not tree.missing_left.all():
        right |= np.isnan(picked) & ~tree.missing_left[:, None]
    left_over = np.bitwise_and.reduce(np.where(right, tree.kept, ALL), axis=0)
    values: NDArray[np.float64] = tree.leaf_value[_FIRST[left_over]]
    return values


_BITS = np.arange(1 << 16, dtype=np.int64)
_FIRST = np.zeros(1 << 16, dtype=np.uint8)
for _bit in range(15, -1, -1):
    _FIRST[(_BITS >> _bit) & 1 == 1] = _bit
