"""Which nodes does no source reach?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vpp.network.kernels.document_rows import NetworkDocument
from vpp.network.kernels.parsing import Finding


def islands(document: NetworkDocument, known_nodes: set[str]) -> Iterator[Finding]:
    """Nodes that no source, and no node that is stored already, reaches over closed branches and transformers."""
    stored = known_nodes - {row.code for row in document.nodes}
    neighbours: dict[str, list[str]] = {row.code: [] for row in document.nodes}
    closed = [(row.from_node, row.to_node) for row in document.branches if row.from_closed and row.to_closed]
    closed += [(row.hv_node, row.lv_node) for row in document.transformers if row.closed]
    for start, end in closed:
        neighbours.setdefault(start, []).append(end)
        neighbours.setdefault(end, []).append(start)
    reached = _reach([*(row.node for row in document.sources), *stored], neighbours)
    islanded = [row for row in document.nodes if row.code not in reached]
    feeder_of = {row.code: row.feeder for row in document.nodes}
    for feeder in sorted({feeder_of[row.code] for row in islanded}):
        codes = tuple(row.code for row in islanded if row.feeder == feeder)
        message = f"no source reaches {len(codes)} node(s) of feeder {feeder}"
        yield Finding("island", "nodes", "code", codes, message)


def _reach(starts: Iterable[str], neighbours: dict[str, list[str]]) -> set[str]:
    stack = list(starts)
    reached = set(stack)
    while stack:
        for code in neighbours.get(stack.pop(), []):
            if code not in reached:
                reached.add(code)
                stack.append(code)
    return reached
