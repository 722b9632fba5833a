"""The plan of the expected day, followed whatever the prices: what is offered where no better plan was found in time.

What storages can do does not depend on prices, so that a plan for one day holds in every scenario; it lacks only what
knowing the scenario would have been worth.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from bidding.kernels.whatif.scoring import WhatIfPlan
from bidding.kernels.whatif.stated import WhatIf

ONE_FOR_ALL = ("reserve_kw", "ask_share", "block_chosen")


def expected_day(problem: WhatIf) -> WhatIf:
    """One scenario of mean prices, with the generation that there is in all of them. Without block orders, which are
    taken in some scenarios only.
    """
    energy, weight = problem.energy, problem.probability
    deviation = problem.imbalance_price
    return replace(
        problem,
        probability=np.ones(1),
        energy=replace(energy, price_per_mwh=(weight @ energy.price_per_mwh)[None]),
        imbalance_price=None if deviation is None else (weight @ deviation)[None],
        generation_kw=problem.generation_kw.min(axis=1, keepdims=True),
        beta=0.0,
        blocks=(),
    )


def in_every_scenario(problem: WhatIf, plan: WhatIfPlan) -> WhatIfPlan:
    """`plan` of `expected_day` in each scenario of the problem; no block is offered."""
    count = problem.scenarios
    parts = {one.name: getattr(plan, one.name) for one in fields(plan) if one.name not in ONE_FOR_ALL}
    for name, value in parts.items():
        if name == "carried_kw":
            parts[name] = {key: np.repeat(kw, count, axis=0) for key, kw in value.items()}
        elif name != "position_kw" or problem.energy.curve:
            parts[name] = np.repeat(value, count, axis=0)
    return replace(plan, **parts, block_chosen={block.name: 0.0 for block in problem.blocks})
