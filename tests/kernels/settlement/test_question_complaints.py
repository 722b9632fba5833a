"""A question that cannot be read is refused with the place and a remedy."""

import json
from pathlib import Path
from typing import Any

import pytest

from vpp.settlement.kernels.question import answer_baseline_question
from vpp.settlement.kernels.question_fields import QuestionError

GOOD = Path(__file__).parents[2] / "golden" / "settlement" / "caiso_10_in_10_plain_mean" / "input.json"
ABSENT = object()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"preset": ABSENT}, "field 'preset' is missing: give `preset`"),
        ({"tz": ABSENT}, "field 'tz' is missing: give the site's IANA zone"),
        ({"values": ABSENT}, "field 'values' is missing: give kWh per interval"),
        ({"event": ABSENT}, r"field 'event' is missing: give {start, end} in UTC"),
        ({"preset": "CAISO_11"}, "preset 'CAISO_11' is unknown; known: AEMO_WDR"),
        ({"tz": "Mars/Olympus"}, "tz 'Mars/Olympus' is not an IANA zone: write one as"),
        ({"values": "1,2"}, "values is not a list"),
        ({"values": [1.0, "x"]}, r"values\[1\] is 'x': give a number"),
        ({"values": [1.0, 1e400]}, r"values\[1\] is infinite"),
        ({"event": {"start": "2016-07-14T20:00:00Z"}}, "field 'end' is missing: write ISO 8601"),
        (
            {"event": {"start": "2016-07-14T20:00Z", "end": "2016-07-14T19:00Z"}},
            "not after its start: swap start and end",
        ),
        ({"event": [1, 2]}, "event is not an object: give"),
        ({"series_start": "gestern"}, "series_start: 'gestern' is no moment: write ISO 8601"),
        ({"interval_minutes": "x"}, "interval_minutes is 'x': give a number"),
        ({"interval_minutes": 0}, "interval_minutes is 0: give the length"),
        ({"event_days": ["14.07.2016"]}, "event_days: '14.07.2016' is no date: write YYYY-MM-DD"),
        ({"holidays": "2016-07-04"}, "holidays is not a list"),
        ({"other_events_same_day": [["2016-07-14T10:00Z"]]}, r"other_events_same_day\[0\] is no pair: give"),
        ({"daily_max_temp": {"2016-07-14": "hot"}}, r"daily_max_temp\[2016-07-14\] is 'hot': give a number"),
        ({"params": [1]}, "params is not an object: give"),
        ({"params": {"lookbak_days": 3}}, "lookbak_days is unknown; known: .*lookback_days"),
        ({"params": {"pools": {"business": {"x": 12}}}}, "x and min are at least 1 and at most y"),
        ({"params": {"adjustment": {"windows": [{"side": "in", "from_h": 1, "hours": 1}]}}}, "side is pre or post"),
    ],
)
def test_it_names_the_place_and_the_remedy(change: dict[str, Any], complaint: str) -> None:
    question = {**json.loads(GOOD.read_text()), **change}
    with pytest.raises(QuestionError, match=complaint):
        answer_baseline_question({name: value for name, value in question.items() if value is not ABSENT})
