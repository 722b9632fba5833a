"""A need of the grid, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

from vpp.network.kernels.feeder import Floats


@dataclass(frozen=True)
class BestNode:
    """quantity: the largest kW (or kvar) wanted there if it alone has to cure; relief: share of a kW that arrives."""

    code: str
    relief_pu: float
    quantity: float


@dataclass(frozen=True)
class Need:
    """One limit that breaks, and the least change at the best node that cures it.

    kind     : undervoltage, overvoltage, overload, reverse_flow or power_limit.
    up       : True for less consumption (or less kvar drawn), False for more.
    quantity : (T,) kW or kvar at ``best_nodes[0]``, >= 0. cured: the AC power flow agrees.
    excess   : (T,) pu, or kW of a power limit, before. relief_pu (N,): of a kW at each node, the best node's being 1.
    """

    element_code: str
    kind: str
    reactive: bool
    up: bool
    quantity: Floats
    excess: Floats
    relief_pu: Floats
    best_nodes: tuple[BestNode, ...]
    cured: bool
