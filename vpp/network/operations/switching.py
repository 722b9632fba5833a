"""Switching: try a state on paper, then record that it holds from a moment on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from vpp.accounts import operations as accounts
from vpp.lib.errors import DomainError
from vpp.network import queries, topology
from vpp.network.models import Feeder, TopologyVersion

if TYPE_CHECKING:
    from datetime import datetime


class BadSwitching(DomainError):
    """An unknown element, or nodes that would be without supply."""

    code = "bad_switching"


@dataclass(frozen=True)
class SwitchingAnswer:
    """What a state would mean: nodes without supply, and whether the feeder stays radial."""

    unsupplied: tuple[str, ...]
    radial: bool


def try_switching(feeder_code: str, switches: Mapping[str, Sequence[bool]], *, at: datetime) -> SwitchingAnswer:
    """The state on top of the one that holds at that moment. Raises UnknownFeeder, BadSwitching for unknown codes."""
    from vpp.network.kernels.switching import check_state

    before = queries.topology_at(feeder_code, at)
    check = check_state(queries.feeder_model(feeder_code), {**(before.switches if before else {}), **switches})
    if check.unknown:
        raise BadSwitching(f"no such branch or transformer: {', '.join(check.unknown)}", unknown=list(check.unknown))
    return SwitchingAnswer(check.unsupplied, check.radial)


def switch(
    feeder_code: str,
    switches: Mapping[str, Sequence[bool]],
    *,
    at: datetime,
    actor: object,
    reason: str,
    valid_from: datetime | None = None,
    allow_unsupplied: bool = False,
) -> TopologyVersion:
    """Record that these elements stand so from `valid_from` (or now) on: code -> (from closed, to closed).

    Back to the imported state by naming it. The same state again gives the version that holds. Raises UnknownFeeder,
    BadSwitching, also where nodes would lose their supply and nobody said that this is meant.
    """
    moment = valid_from or at
    answer = try_switching(feeder_code, switches, at=moment)
    if answer.unsupplied and not allow_unsupplied:
        raise BadSwitching(
            f"{len(answer.unsupplied)} nodes would be without supply", unsupplied=list(answer.unsupplied)
        )
    with transaction.atomic():
        feeder = Feeder.objects.select_for_update().get(code=feeder_code)
        before = queries.topology_at(feeder_code, moment)
        merged = {**(before.switches if before else {}), **{code: list(ends) for code, ends in switches.items()}}
        if before is not None and topology.deviating(feeder, merged) == before.switches:
            return before
        made = topology.add(feeder, merged, at=moment, cause=TopologyVersion.Cause.SWITCHING, reason=reason)
        after = {"version": made.version, "switches": made.switches}
        accounts.audit(at=at, actor=actor, action="network.switched", subject=feeder, after=after, reason=reason)
    return made
