"""The grid as plain arrays: what every network kernel takes.

Node indices are positions in ``Nodes.codes``. Impedances are per phase and symmetric, in ohm at the nominal voltage of
the branch's own ends; voltages are line to line. Power follows the load convention: consumption is positive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Nodes:
    """(N,) nodes: code, nominal voltage and the band in which the voltage must stay."""

    codes: tuple[str, ...]
    nominal_kv: Floats
    v_min_pu: Floats
    v_max_pu: Floats


@dataclass(frozen=True)
class Branches:
    """(B,) lines and cables; ``rating_a`` is inf where none is known. A branch conducts if both ends are closed; with
    one end open it is still charged from the other."""

    codes: tuple[str, ...]
    from_node: Ints
    to_node: Ints
    r_ohm: Floats
    x_ohm: Floats
    c_nf: Floats
    rating_a: Floats
    from_closed: Bools
    to_closed: Bools


@dataclass(frozen=True)
class Transformers:
    """(T,) two-winding transformers as on their name plate. ``tap_side_hv`` is False for a tap on the low-voltage side.

    vk_percent, vkr_percent : short-circuit voltage and its resistive part.
    pfe_kw, i0_percent      : iron losses and open-circuit current (the shunt).
    """

    codes: tuple[str, ...]
    hv_node: Ints
    lv_node: Ints
    rated_kva: Floats
    hv_kv: Floats
    lv_kv: Floats
    vk_percent: Floats
    vkr_percent: Floats
    pfe_kw: Floats
    i0_percent: Floats
    tap_side_hv: Bools
    tap_position: Ints
    tap_neutral: Ints
    tap_step_percent: Floats
    closed: Bools


def _no_floats() -> Floats:
    return np.zeros(0)


def _no_ints() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Regulators:
    """(G,) automatic tap changers: each keeps the voltage at its transformer's low-voltage (or load) side within
    ``v_band_pu`` around ``v_set_pu``. A line regulator is one on a transformer with equal voltages."""

    codes: tuple[str, ...] = ()
    transformer: Ints = field(default_factory=_no_ints)
    v_set_pu: Floats = field(default_factory=_no_floats)
    v_band_pu: Floats = field(default_factory=_no_floats)
    tap_min: Ints = field(default_factory=_no_ints)
    tap_max: Ints = field(default_factory=_no_ints)


@dataclass(frozen=True)
class Shunts:
    """(K,) capacitors and reactors as constant susceptance: reactive power given at nominal voltage, load convention
    (a capacitor is negative)."""

    codes: tuple[str, ...] = ()
    node: Ints = field(default_factory=_no_ints)
    q_kvar: Floats = field(default_factory=_no_floats)


@dataclass(frozen=True)
class Sources:
    """(S,) stiff voltage sources: the grid above."""

    node: Ints
    v_pu: Floats


@dataclass(frozen=True)
class FeederModel:
    """One connected piece of grid to calculate on."""

    nodes: Nodes
    branches: Branches
    transformers: Transformers
    sources: Sources
    regulators: Regulators = field(default_factory=Regulators)
    shunts: Shunts = field(default_factory=Shunts)
    frequency_hz: float = 50.0

    @property
    def node_index(self) -> dict[str, int]:
        return {code: position for position, code in enumerate(self.nodes.codes)}


def tap_ratio(transformers: Transformers) -> tuple[Floats, Floats]:
    """Rated voltages of both windings at the present tap, kV: ((T,) high, (T,) low)."""
    factor = 1 + (transformers.tap_position - transformers.tap_neutral) * transformers.tap_step_percent / 100
    hv_kv = np.where(transformers.tap_side_hv, transformers.hv_kv * factor, transformers.hv_kv)
    lv_kv = np.where(transformers.tap_side_hv, transformers.lv_kv, transformers.lv_kv * factor)
    return hv_kv, lv_kv


def stack_injections(model: FeederModel, by_node: dict[str, Floats], n_intervals: int) -> Floats:
    """(H, N) matrix from a mapping node code -> (H,) series; nodes without a series get 0.

    Raises KeyError with the code if a node is unknown, ValueError if a series has another length.
    """
    index = model.node_index
    matrix = np.zeros((n_intervals, len(index)))
    for code, series in by_node.items():
        values = np.asarray(series, dtype=np.float64)
        if values.shape != (n_intervals,):
            raise ValueError(f"node {code}: series {values.shape}, want {(n_intervals,)}")
        matrix[:, index[code]] += values
    return matrix
