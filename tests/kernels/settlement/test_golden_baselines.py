"""The golden baseline questions, each with numbers worked out by hand."""

import json
from pathlib import Path

import pytest

from vpp.settlement.kernels.question import answer_baseline_question

CASES = sorted(path.parent for path in (Path(__file__).parents[2] / "golden" / "settlement").glob("*/input.json"))


def same(found: object, wanted: object) -> bool:
    if isinstance(wanted, float) and isinstance(found, int | float):
        return found == pytest.approx(wanted, abs=1e-6)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(same(a, b) for a, b in zip(found, wanted, strict=True))
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(same(found[key], value) for key, value in wanted.items())
    return found == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_answer_is_the_one_computed_by_hand(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    answer = answer_baseline_question(json.loads((case / "input.json").read_text()))
    wrong = {key: (answer[key], value) for key, value in expected.items() if not same(answer[key], value)}
    assert not wrong
