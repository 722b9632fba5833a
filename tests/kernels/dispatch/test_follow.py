"""The judgement on a setpoint."""

from __future__ import annotations

import numpy as np

from vpp.dispatch.kernels.follow import Answer, Verdict, judge


def test_each_case_has_its_verdict() -> None:
    cases = [
        # target, baseline, measured, answer, exact, verdict
        (-5.0, 0.0, -4.8, Answer.ACCEPTED, True, Verdict.FOLLOWED),
        (-5.0, 0.0, 0.0, Answer.ACCEPTED, True, Verdict.DISOBEYED),
        (-5.0, 0.0, -8.0, Answer.ACCEPTED, True, Verdict.DISOBEYED),
        (-5.0, 0.0, np.nan, Answer.NONE, True, Verdict.SILENT),
        (-5.0, 0.0, np.nan, Answer.ACCEPTED, True, Verdict.UNMEASURED),
        (1.0, 4.0, 4.0, Answer.REFUSED, False, Verdict.REFUSED),
        (1.0, 4.0, 0.0, Answer.ACCEPTED, False, Verdict.FOLLOWED),  # even less than asked
        (1.0, 4.0, 4.0, Answer.NONE, False, Verdict.DISOBEYED),  # reports, so it is not silent
        (6.0, 4.0, 4.0, Answer.ACCEPTED, False, Verdict.DISOBEYED),
        (6.0, 4.0, 7.5, Answer.ACCEPTED, False, Verdict.FOLLOWED),
    ]
    columns = list(zip(*cases, strict=True))
    verdict = judge(
        np.array(columns[0]), np.array(columns[1]), np.array(columns[2]), np.full(len(cases), 8.0),
        np.array(columns[3], dtype=np.int8), np.array(columns[4]),
    )  # fmt: skip
    assert [Verdict(int(code)) for code in verdict] == list(columns[5])
