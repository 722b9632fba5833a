"""Methods beside day matching: same-day means, generator output, regression, boosting, prognoses, control groups."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from vpp.settlement.kernels.profile_data import canonical_name, shipped_profiles
from vpp.settlement.kernels.question import answer_baseline_question
from vpp.settlement.kernels.question_fields import QuestionError
from vpp.settlement.kernels.regression import RegressionRule, merged_bin_ends, temperature_features

UTC_ZONE = {"tz": "UTC", "interval_minutes": 60}


def hourly(days: int, value: float = 1.0) -> list[float | None]:
    return [value] * (24 * days)


def asked(values: Sequence[float | None], first: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    return {**UTC_ZONE, "series_start": first, "values": values, "event": {"start": start, "end": end}, **more}


def test_pjm_same_day_is_the_mean_of_three_hours_before_and_two_after() -> None:
    # hours 0..23 read 0..23; event 14-16: before 10, 11, 12 (skip 13), after 17, 18 (skip 16); mean 68 / 5 = 13.6
    question = asked(
        list(range(24)), "2016-07-14T00:00Z", "2016-07-14T14:00Z", "2016-07-14T16:00Z", preset="PJM same-day (3+2)"
    )
    answer = answer_baseline_question(question)
    assert answer["baseline_kwh"] == [13.6, 13.6]
    question["other_events_same_day"] = [["2016-07-14T11:30Z", "2016-07-14T11:45Z"]]
    assert answer_baseline_question(question)["status"] == "insufficient"


def test_the_double_reference_rectangle_takes_the_lower_window_as_long_as_the_event() -> None:
    # event 14-16; before 12, 13 -> 12.5; after 16, 17 -> 16.5
    question = asked(list(range(24)), "2016-07-14T00:00Z", "2016-07-14T14:00Z", "2016-07-14T16:00Z", preset="RTE_NEBEF")
    assert answer_baseline_question(question)["baseline_kwh"] == [12.5, 12.5]


def test_a_line_between_unlike_windows_joins_their_centres() -> None:
    # 4 h before (8..11, centre 10), 1 h after (event 12-14, after 14, centre 14.5): means 9.5 and 14; slope 1 per h
    params = {"shape": "linear", "hours": 4, "after_hours": 1}
    question = asked(
        list(range(24)), "2016-07-14T00:00Z", "2016-07-14T12:00Z", "2016-07-14T14:00Z", method="mbma", params=params
    )
    assert answer_baseline_question(question)["baseline_kwh"] == [12.0, 13.0]


def generator_question(**more: Any) -> dict[str, Any]:
    # 20 days from Monday 20 June; output 2 kWh in every hour, on the event day (Friday 8 July) 5 kWh from 14 to 16
    values = hourly(20, 2.0)
    for hour in (14, 15):
        values[18 * 24 + hour] = 5.0
    return asked(values, "2016-06-20T00:00Z", "2016-07-08T14:00Z", "2016-07-08T16:00Z", preset="MGO", **more)


def test_generator_output_pays_what_exceeds_typical_use_and_never_less_than_nothing() -> None:
    answer = answer_baseline_question(generator_question())
    assert answer["baseline_kwh"] == [2.0, 2.0] and answer["reduction_kwh"] == [3.0, 3.0]
    lower = generator_question()
    lower["values"] = [2.0 if value == 2.0 else 0.5 for value in lower["values"]]
    assert answer_baseline_question(lower)["reduction_kwh"] == [0.0, 0.0]


def test_generator_output_read_as_load_is_answered_as_load() -> None:
    question = generator_question()
    question["values"] = [-value for value in question["values"]]
    answer = answer_baseline_question(question)
    assert answer["baseline_kwh"] == [-2.0, -2.0] and answer["actual_kwh"] == [-5.0, -5.0]
    assert answer["total_reduction_kwh"] == 6.0


def test_exports_beyond_the_sites_own_load_are_clipped_and_the_total_form_adds_the_load_side() -> None:
    question = generator_question()
    question["generator_values"] = question["values"]
    net = hourly(20, 8.0)  # load 10, output 2
    net[18 * 24 + 14], net[18 * 24 + 15] = 1.0, -1.0  # loads 6 and 4: of the second 5 kWh one is exported
    question["values"] = net
    answer = answer_baseline_question(question)
    assert answer["reduction_kwh"] == [3.0, 2.0]
    question["params"] = {"form": "total"}
    total = answer_baseline_question(question)
    # load side: 10-in-10 of net + G is 10, window before reads 10: factor 1; 10 - 6 = 4 and 10 - 4 = 6
    assert total["reduction_kwh"] == [7.0, 8.0] and total["actual_kwh"] == [1.0, -1.0]


def prognosis_question(**params: Any) -> dict[str, Any]:
    messages = [
        {"reference": "first", "sent_at": "2016-07-13T08:00Z", "isps": [{"start": 1, "duration": 96, "power_w": 4000}]},
        {"reference": "second", "sent_at": "2016-07-13T12:00Z",
         "isps": [{"start": 1, "duration": 56, "power_w": 1000}, {"start": 57, "duration": 2, "power_w": 2000},
                  {"start": 59, "duration": 38, "power_w": 6000}]},
        {"reference": "refused", "sent_at": "2016-07-13T13:00Z", "power_w": [9000] * 96, "accepted": False},
        {"reference": "late", "sent_at": "2016-07-14T13:59Z", "power_w": [9999] * 96},
    ]  # fmt: skip
    given = {"prognoses": messages, "ordered_at": "2016-07-14T09:00Z", "isp_minutes": 15, **params}
    return asked(
        hourly(1), "2016-07-14T00:00Z", "2016-07-14T14:00Z", "2016-07-14T16:00Z", preset="D-prognosis", params=given
    )


def test_the_latest_accepted_prognosis_before_the_order_is_the_baseline() -> None:
    # 14:00 is ISP 57: half an hour at 2 kW and half at 6 kW, then 6 kW
    answer = answer_baseline_question(prognosis_question())
    assert answer["baseline_kwh"] == [4.0, 6.0] and answer["extra"] == {"prognosis": "second"}
    none = answer_baseline_question(prognosis_question(ordered_at="2016-07-13T07:00Z"))
    assert none["status"] == "insufficient" and none["total_reduction_kwh"] is None


def test_a_control_group_is_scaled_over_the_window_unless_another_event_touches_it() -> None:
    control = [[2.0] * 24, [4.0] * 24]
    question = asked(hourly(1, 6.0), "2016-07-14T00:00Z", "2016-07-14T14:00Z", "2016-07-14T15:00Z",
                     preset="CONTROL_GROUP", control_values=control)  # fmt: skip
    assert answer_baseline_question(question)["baseline_kwh"] == [6.0]
    question["other_events_same_day"] = [["2016-07-14T10:00Z", "2016-07-14T11:00Z"]]
    answer = answer_baseline_question(question)
    assert answer["baseline_kwh"] == [3.0] and answer["adjustment"]["status"] == "window_overlaps_event"
    assert answer_baseline_question({**question, "params": {"adjustment": None}})["adjustment"]["kind"] == "none"


def weather_question(days: int = 200, **more: Any) -> dict[str, Any]:
    """y = 1 + 0.1 hour of day + 0.05 max(T - 65, 0) + 0.02 max(45 - T, 0), exactly, in UTC."""
    draw = random.Random(7)
    first = datetime(2016, 1, 4, tzinfo=UTC)
    temperature, values = [], []
    for number in range(24 * days):
        at = first + timedelta(hours=number)
        t = 60 + 25 * math.sin(2 * math.pi * number / (24 * 90)) + draw.uniform(-15, 15)
        temperature.append(t)
        values.append(1 + 0.1 * at.hour + 0.05 * max(t - 65, 0) + 0.02 * max(45 - t, 0))
    day = first + timedelta(days=days - 2)
    event = (day + timedelta(hours=14)).isoformat(), (day + timedelta(hours=16)).isoformat()
    return asked(values, first.isoformat(), *event, preset="CalTRACK", temperature_f=temperature, **more)


def test_the_hourly_regression_finds_a_load_that_is_of_its_form() -> None:
    question = weather_question()
    truth = question["values"][198 * 24 + 14 : 198 * 24 + 16]
    answer = answer_baseline_question(question)
    assert answer["status"] == "ok"
    assert answer["baseline_kwh"] == pytest.approx(truth, abs=1e-4)
    question["values"][198 * 24 + 14] = None
    assert answer_baseline_question(question)["baseline_kwh"] == answer["baseline_kwh"]


def test_quarter_hours_share_their_hours_prediction_and_celsius_is_turned_into_fahrenheit() -> None:
    hourly_question = weather_question()
    fine = dict(hourly_question)
    fine["interval_minutes"] = 15
    fine["values"] = [value / 4 for value in hourly_question["values"] for _ in range(4)]
    fine["temperature_c"] = [(t - 32) * 5 / 9 for t in fine.pop("temperature_f") for _ in range(4)]
    coarse = answer_baseline_question(hourly_question)["baseline_kwh"]
    expected = [value / 4 for value in coarse for _ in range(4)]
    assert answer_baseline_question(fine)["baseline_kwh"] == pytest.approx(expected, abs=2e-6)


def test_the_regression_says_why_it_cannot_answer() -> None:
    assert answer_baseline_question(weather_question(days=10))["reason"].endswith("336 needed")
    question = weather_question()
    question.pop("temperature_f")
    assert answer_baseline_question(question)["reason"] == "no temperatures were given"
    question = weather_question(params={"bin_ends": [1]})
    with pytest.raises(QuestionError, match="bin_ends"):
        answer_baseline_question(question)


def test_thin_temperature_bins_join_their_neighbours() -> None:
    # 25 hours at 20 F, 5 at 40, 25 at 50: the bin of 30 to 45 joins its lower neighbour; none above 55 stays
    temperature = np.array([20.0] * 25 + [40.0] * 5 + [50.0] * 25)
    assert merged_bin_ends(temperature, RegressionRule()) == [45.0]
    features = temperature_features(np.array([20.0, 50.0, 80.0]), [45.0, 65.0])
    assert features.tolist() == [[20.0, 0.0, 0.0], [45.0, 5.0, 0.0], [45.0, 20.0, 15.0]]


def test_the_challenger_names_what_made_it_and_repeats_itself() -> None:
    values = [float(3 + (number % 24)) for number in range(24 * 30)]
    question = asked(values, "2016-06-01T00:00Z", "2016-06-30T14:00Z", "2016-06-30T16:00Z", preset="gradient boosting")
    answer = answer_baseline_question(question)
    assert answer["baseline_kwh"] == pytest.approx([17.0, 18.0], abs=0.1)
    assert answer["extra"]["seed"] == 1 and answer["extra"]["training_rows"] == 24 * 29
    assert answer_baseline_question(question) == answer


def test_days_of_dispatch_are_not_learnt_from() -> None:
    values = [float(3 + (number % 24)) for number in range(24 * 30)]
    for hour in range(24):
        values[24 * 20 + hour] = 500.0
    question = asked(
        values,
        "2016-06-01T00:00Z",
        "2016-06-30T14:00Z",
        "2016-06-30T16:00Z",
        preset="boosting",
        event_days=["2016-06-21"],
    )
    assert answer_baseline_question(question)["baseline_kwh"] == pytest.approx([17.0, 18.0], abs=0.1)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("caiso 10-in-10", "CAISO_10_IN_10"), ("CAISO_10in10", "CAISO_10_IN_10"), ("pjm_saa", "PJM_4_OF_5_SAA"),
     ("ISO-NE 90/10", "ISONE_90_10"), ("nyiso", "NYISO_AVERAGE_DAY"), ("mbma_linear", "MBMA_LINEAR"), ("nope", None)],
)  # fmt: skip
def test_a_preset_may_be_written_in_other_ways(name: str, wanted: str | None) -> None:
    assert canonical_name(name) == wanted


def test_every_shipped_profile_has_a_source_and_answers_a_question() -> None:
    values = [2.0 + 0.1 * (number % 24) for number in range(24 * 120)]
    for name, data in shipped_profiles().items():
        assert data["source"]
        params = {
            "NOMINATION": {"submitted_at": "2016-07-01T00:00Z", "constant_kwh": 1},
            "D_PROGNOSIS": {"prognoses": [{"sent_at": "2016-07-01T00:00Z", "power_w": [1000] * 24}], "isp_minutes": 60},
        }.get(name, {})
        question = asked(
            values, "2016-04-01T00:00Z", "2016-07-14T14:00Z", "2016-07-14T16:00Z", preset=name, params=params,
            control_values=[values], temperature_f=[60.0 + number % 24 for number in range(len(values))],
            daily_max_temp={(date(2016, 4, 1) + timedelta(days=n)).isoformat(): 20.0 + n % 9 for n in range(120)},
        )  # fmt: skip
        answer = answer_baseline_question(question)
        assert answer["status"] == "ok", (name, answer["reason"])


def test_the_zone_of_a_question_must_exist() -> None:
    question = asked(hourly(1), "2016-07-14T00:00Z", "2016-07-14T14:00Z", "2016-07-14T15:00Z", preset="CAISO_10_IN_10")
    with pytest.raises(QuestionError, match="tz"):
        answer_baseline_question({**question, "tz": "Mars/Olympus"})
    assert ZoneInfo("UTC")


def test_single_readings_may_come_in_any_order_but_not_twice_nor_overlapping() -> None:
    values = [1.0 + (number % 24) for number in range(24)]
    whole = asked(values, "2016-07-14T00:00Z", "2016-07-14T14:00Z", "2016-07-14T16:00Z", preset="MBMA_BEFORE")
    readings: list[list[Any]] = [[f"2016-07-14T{hour:02d}:00:00Z", value] for hour, value in enumerate(values)]
    single = {key: value for key, value in whole.items() if key not in ("values", "series_start")}
    single["readings"] = readings[::-1]
    assert answer_baseline_question(single) == answer_baseline_question(whole)
    single["readings"] = [row for row in readings if "T11:" not in row[0]]
    assert answer_baseline_question(single)["status"] == "insufficient"
    with pytest.raises(QuestionError, match="stands twice"):
        answer_baseline_question({**single, "readings": [*readings, readings[3]]})
    with pytest.raises(QuestionError, match="overlaps"):
        answer_baseline_question({**single, "readings": [*readings, ["2016-07-14T03:30:00Z", 1.0]]})
