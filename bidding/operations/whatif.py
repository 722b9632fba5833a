"""The what-if question: a problem as a document in, its answer out; nothing is stored."""

from __future__ import annotations

from typing import Any

from bidding.errors import BadWhatIf, NoAnswer

TIME_LIMIT_S = 300.0


def what_if(raw: Any, *, full: bool = False, time_limit_s: float = TIME_LIMIT_S) -> dict[str, Any]:
    """The answer to a parsed what-if file. Raises BadWhatIf with every finding, NoAnswer where no point was found."""
    from bidding.kernels.problem import BadProblem
    from bidding.kernels.solver import SolverFailed, available_engine
    from bidding.kernels.whatif.answer import what_if as solved

    try:
        return solved(raw, full=full, time_limit_s=time_limit_s, engine=available_engine())
    except BadProblem as error:
        message = f"{len(error.findings)} findings, first: {error.findings[0]}"
        raise BadWhatIf(message, findings=error.findings) from error
    except SolverFailed as error:
        raise NoAnswer(str(error), status=error.status.value) from error
