"""One relaxation solved many times."""

from __future__ import annotations

import time
from dataclasses import replace

from bidding.kernels.engines import HighsSession
from bidding.kernels.solver import FloatArray, LinearModel, Solution, SolverOptions, believe, solve


class Relaxation:
    """The relaxation under changing bounds; HiGHS starts each solve from the last basis, CBC from nothing."""

    def __init__(self, model: LinearModel, options: SolverOptions) -> None:
        self._model, self._options = model, options
        self._session = HighsSession(model, options) if options.engine == "highs" else None

    def solve(self, lower: FloatArray, upper: FloatArray) -> Solution:
        """Raises SolverFailed if a point the solver calls feasible is not."""
        if self._session is None:
            return solve(self._model.with_bounds(lower, upper), self._options, relax=True)
        began = time.perf_counter()
        answer = self._session.solve(lower, upper)
        believe(self._model.relaxed().with_bounds(lower, upper), answer)
        return replace(answer, seconds=time.perf_counter() - began)
