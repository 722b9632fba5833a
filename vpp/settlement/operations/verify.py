"""Proof that a stored run still comes out of its inputs."""

from __future__ import annotations

from vpp.lib.errors import Conflict
from vpp.settlement.models import SettlementRun
from vpp.settlement.operations.outcome import compute_outcome
from vpp.settlement.queries import day_inputs
from vpp.settlement.queries.rules import pins_as_it_was


class ResultDiffers(Conflict):
    """A rerun with the knowledge of then gives another result."""

    code = "settlement_result_differs"


def verify_run(run: SettlementRun) -> str:
    """Compute a run again as of its own moment and with its own rules; answers the checksum.

    Raises ResultDiffers.
    """
    inputs = day_inputs(
        portfolio=run.portfolio,
        delivery_date=run.delivery_date,
        as_of=run.as_of,
        pins=pins_as_it_was(run),
    )
    outcome = compute_outcome(inputs)
    if outcome.checksum != run.checksum:
        raise ResultDiffers(f"run {run} does not come out the same", stored=run.checksum, found=outcome.checksum)
    return outcome.checksum
