"""One baseline question in, one answer out, without touching a table."""

from __future__ import annotations

from typing import Any


def baseline_answer(question: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question in the file form; raises ValueError that names the field."""
    from vpp.settlement.kernels.question import answer_baseline_question

    return answer_baseline_question(question)
