"""A grid in another switching state, and what that does to who is supplied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vpp.network.kernels.feeder import FeederModel
from vpp.network.kernels.radial import NotRadial, build_tree

Switches = Mapping[str, Sequence[bool]]


@dataclass(frozen=True)
class StateCheck:
    """unknown: codes that are no element; unsupplied: nodes that no source reaches; radial: no loop is closed."""

    unknown: tuple[str, ...]
    unsupplied: tuple[str, ...]
    radial: bool


def with_switches(model: FeederModel, switches: Switches) -> FeederModel:
    """The model with the ends of the named branches and transformers open or closed; other codes are left alone."""
    if not switches:
        return model
    branches, transformers = model.branches, model.transformers
    start, end, closed = branches.from_closed.copy(), branches.to_closed.copy(), transformers.closed.copy()
    for place, code in enumerate(branches.codes):
        if code in switches:
            start[place], end[place] = switches[code]
    for place, code in enumerate(transformers.codes):
        if code in switches:
            closed[place] = all(switches[code])
    return replace(
        model,
        branches=replace(branches, from_closed=start, to_closed=end),
        transformers=replace(transformers, closed=closed),
    )


def check_state(model: FeederModel, switches: Switches) -> StateCheck:
    """What the state would mean, before anybody switches."""
    known = {*model.branches.codes, *model.transformers.codes}
    switched = with_switches(model, switches)
    supplied = supplied_nodes(switched)
    try:
        build_tree(switched)
        radial = True
    except NotRadial:
        radial = False
    return StateCheck(
        unknown=tuple(sorted(set(switches) - known)),
        unsupplied=tuple(code for code, has in zip(model.nodes.codes, supplied, strict=True) if not has),
        radial=radial,
    )


def supplied_nodes(model: FeederModel) -> np.ndarray:
    """(N,) True where a source reaches the node over closed branches and transformers."""
    through = model.branches.from_closed & model.branches.to_closed
    starts = np.concatenate([model.branches.from_node[through], model.transformers.hv_node[model.transformers.closed]])
    ends = np.concatenate([model.branches.to_node[through], model.transformers.lv_node[model.transformers.closed]])
    reached = np.zeros(len(model.nodes.codes), dtype=bool)
    reached[model.sources.node] = True
    while True:
        touched = reached[starts] | reached[ends]
        before = int(reached.sum())
        reached[starts[touched]] = True
        reached[ends[touched]] = True
        if int(reached.sum()) == before:
            return reached
