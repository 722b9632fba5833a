"""A feeder as a drawing: the grid above at the left, each node one column further from it, branches as right angles."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from vpp.network.kernels.feeder import FeederModel

COLUMN, ROW, MARGIN = 70, 30, 24  # units of the drawing


@dataclass
class Dot:
    code: str
    x: float
    y: float
    is_source: bool = False


@dataclass(frozen=True)
class Link:
    """A branch or transformer between two dots; open where a switch is open."""

    code: str
    kind: str  # "branch" or "transformer"
    path: str
    x: float
    y: float
    open: bool


@dataclass
class Schematic:
    width: float
    height: float
    dots: list[Dot] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


@dataclass(frozen=True)
class _Edge:
    code: str
    kind: str
    first: int
    second: int
    closed: bool


def lay_out(model: FeederModel) -> Schematic:
    """Depth from the source gives x, the order of a walk down the tree gives y; loops and open links are drawn over."""
    edges = _edges(model)
    count = len(model.nodes.codes)
    sources = [int(node) for node in np.unique(model.sources.node)]
    parent, depth = _tree(count, edges, sources)
    rows = _rows(count, parent, depth)
    dots = [
        Dot(code, MARGIN + depth[node] * COLUMN, MARGIN + rows[node] * ROW, node in sources)
        for node, code in enumerate(model.nodes.codes)
    ]
    links = [_link(edge, dots) for edge in edges]
    return Schematic(
        width=2 * MARGIN + max(depth, default=0) * COLUMN,
        height=2 * MARGIN + max(rows, default=0) * ROW,
        dots=dots,
        links=links,
    )


def _edges(model: FeederModel) -> list[_Edge]:
    branches, transformers = model.branches, model.transformers
    found = [
        _Edge(code, "branch", int(a), int(b), bool(closed))
        for code, a, b, closed in zip(
            branches.codes, branches.from_node, branches.to_node, branches.from_closed & branches.to_closed, strict=True
        )
    ]
    return found + [
        _Edge(code, "transformer", int(a), int(b), True)
        for code, a, b in zip(transformers.codes, transformers.hv_node, transformers.lv_node, strict=True)
    ]


def _tree(count: int, edges: list[_Edge], sources: list[int]) -> tuple[list[int], list[int]]:
    """(parent, depth) of each node, breadth first over closed links; what is cut off hangs at depth 0 without one."""
    near: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        if edge.closed:
            near[edge.first].append(edge.second)
            near[edge.second].append(edge.first)
    parent, depth = [-1] * count, [-1] * count
    for start in [*sources, *range(count)]:
        if depth[start] >= 0:
            continue
        depth[start] = 0
        queue = deque([start])
        while queue:
            node = queue.popleft()
            for other in near[node]:
                if depth[other] < 0:
                    parent[other], depth[other] = node, depth[node] + 1
                    queue.append(other)
    return parent, depth


def _rows(count: int, parent: list[int], depth: list[int]) -> list[float]:
    """Leaves get rows one after the other, a node stands on the row of its first child."""
    children: list[list[int]] = [[] for _ in range(count)]
    for node, above in enumerate(parent):
        if above >= 0:
            children[above].append(node)
    rows, following = [0.0] * count, 0
    for root in [node for node in range(count) if parent[node] < 0]:
        stack = [root]
        order = []
        while stack:
            node = stack.pop()
            order.append(node)
            stack.extend(reversed(children[node]))
        for node in order:
            if not children[node]:
                rows[node], following = float(following), following + 1
        for node in reversed(order):
            if children[node]:
                rows[node] = rows[children[node][0]]
    return rows


def _link(edge: _Edge, dots: list[Dot]) -> Link:
    first, second = sorted((dots[edge.first], dots[edge.second]), key=lambda dot: (dot.x, dot.y))
    turn = first.x + COLUMN * 0.3 if second.x > first.x else first.x - COLUMN * 0.3
    path = f"M{first.x:g} {first.y:g}H{turn:g}V{second.y:g}H{second.x:g}"
    return Link(edge.code, edge.kind, path, (turn + second.x) / 2, second.y, not edge.closed)
