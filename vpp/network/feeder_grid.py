"""A feeder as its calculations need it, read once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from vpp.lib.periods import as_datetime64
from vpp.network import queries
from vpp.network.models import Feeder, TopologyVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vpp.network.kernels.feeder import FeederModel
    from vpp.network.kernels.screening import PowerLimit

Spans: TypeAlias = list[tuple[slice, "TopologyVersion | None"]]


@dataclass(frozen=True)
class FeederGrid:
    """The imported grid of a feeder, its agreed limits, and its switching states in the order in which they began."""

    feeder: Feeder
    model: FeederModel
    power_limits: tuple[PowerLimit, ...]
    states: tuple[TopologyVersion, ...]

    def spans(self, starts64: NDArray[np.datetime64]) -> Spans:
        return spans_of(self.states, starts64)

    def switched(self, state: TopologyVersion | None) -> FeederModel:
        """The model with its switches as in `state`."""
        from vpp.network.kernels.switching import with_switches

        return with_switches(self.model, state.switches if state else {})


def spans_of(states: Sequence[TopologyVersion], starts64: NDArray[np.datetime64]) -> Spans:
    """Stretches of intervals with one switching state each; a state holds from the interval in which it begins.

    Before the first record the feeder is taken as it was imported then; None where none is recorded.
    """
    n_intervals = len(starts64)
    if not states or not n_intervals:
        return [(slice(0, n_intervals), None)]
    begins = np.array([as_datetime64(state.valid_from) for state in states], dtype="datetime64[s]")
    step = starts64[1] - starts64[0] if n_intervals > 1 else np.timedelta64(900, "s")
    in_force = np.searchsorted(begins, np.asarray(starts64) + step, side="left") - 1
    cuts = [0, *(np.flatnonzero(np.diff(in_force)) + 1).tolist(), n_intervals]
    pairs = zip(cuts, cuts[1:], strict=False)
    return [(slice(first, end), states[max(int(in_force[first]), 0)]) for first, end in pairs]


def states_of(feeder: Feeder) -> tuple[TopologyVersion, ...]:
    """In the order in which they began."""
    return tuple(TopologyVersion.objects.filter(feeder=feeder).order_by("valid_from", "version"))


def feeder_grid(feeder_code: str) -> FeederGrid:
    """Nine questions to the database. Raises UnknownFeeder."""
    feeder = queries.get_feeder(feeder_code)
    return FeederGrid(
        feeder=feeder,
        model=queries.model_of(feeder),
        power_limits=tuple(queries.power_limits(feeder_code)),
        states=states_of(feeder),
    )
