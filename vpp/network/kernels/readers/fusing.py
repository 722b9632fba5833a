"""Nodes that closed couplers join become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Fused = dict[Any, Any]


def fuse(nodes: Iterable[Any], couplers: Iterable[tuple[Any, Any]]) -> Fused:
    """Every node to the one that stands for its group (the first in the given order)."""
    parent = {node: node for node in nodes}
    place = {node: position for position, node in enumerate(parent)}

    def find(node: Any) -> Any:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for start, end in couplers:
        if start in parent and end in parent:
            keep, drop = sorted((find(start), find(end)), key=place.__getitem__)
            parent[drop] = keep
    return {node: find(node) for node in parent}
