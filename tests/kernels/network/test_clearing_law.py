"""10,000 random feeder states and bids: no AC violation after a commit that the uncommitted grid did not have.

CI runs a seeded part; `VPP_CLEARING_CASES=10000` runs all of them, `VPP_CLEARING_FIRST=5000` begins later.
"""

from __future__ import annotations

import os
from collections import Counter

from tests.effort import how_many
from tests.kernels.network.random_cases import breaches, run_case

FIRST = int(os.environ.get("VPP_CLEARING_FIRST", "0"))
CASES = how_many("VPP_CLEARING_CASES", usual=60, thorough=1_000)


def test_a_commit_breaks_nothing_that_held_without_it():
    wrong: dict[int, list[str]] = {}
    seen: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + CASES):
        case = run_case(seed)
        if found := breaches(case):
            wrong[seed] = found
        seen["broken before"] += bool(case.result.before)
        seen["cured"] += bool(case.result.before) and case.result.cures_all
        seen["something taken"] += bool(case.result.share.any())
        assert case.result.ac_valid, seed
        assert {*case.result.lost} == {
            bid.reference for place, bid in enumerate(case.problem.bids) if not case.result.share[place].any()
        }, seed
    print(dict(seen))  # noqa: T201
    assert wrong == {}
    assert seen["broken before"] > CASES / 4  # the cases lie around the edge
    assert seen["something taken"] > CASES / 10
