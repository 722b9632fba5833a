"""Writes the golden cases that the plain-Python reference answers: `python -m tests.kernels.settlement.golden_maker`.

Run it only to add cases: an expected answer that stands is not written again.
"""

from __future__ import annotations

import json
import random
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.kernels.settlement.reference import answer

FOLDER = Path(__file__).parents[2] / "golden" / "settlement"
LA, NY, BERLIN, LONDON = "America/Los_Angeles", "America/New_York", "Europe/Berlin", "Europe/London"


def question(
    preset: str,
    tz: str,
    day: str,
    hours: tuple[str, str],
    *,
    days: int = 46,
    minutes: int = 60,
    seed: int = 1,
    level: float = 10.0,
    end_day: int = 0,
    holes: tuple[str, ...] = (),
    rounded: int = 3,
    **more: Any,
) -> dict[str, Any]:
    """A seeded load of `days` local days up to the day after the event; `holes` are local moments without reading."""
    zone = ZoneInfo(tz)
    event_date = date.fromisoformat(day)
    draw = random.Random(seed)
    first = event_date - timedelta(days=days)
    begin = datetime.combine(first, time(0), tzinfo=zone)
    at, stop = begin.timestamp(), datetime.combine(event_date + timedelta(days=2), time(0), tzinfo=zone).timestamp()
    values: list[float | None] = []
    while at < stop:
        local = datetime.fromtimestamp(at, zone)
        shape = 0.6 + 0.5 * max(0.0, 1 - abs(local.hour + local.minute / 60 - 17) / 9)
        weekend = 0.7 if local.weekday() >= 5 else 1.0
        value = level * shape * weekend * draw.uniform(0.7, 1.3) * minutes / 60
        values.append(None if local.strftime("%Y-%m-%dT%H:%M") in holes else round(value, rounded))
        at += minutes * 60
    start, end = (time.fromisoformat(text) for text in hours)
    return {
        "preset": preset,
        "tz": tz,
        "interval_minutes": minutes,
        "series_start": utc(begin),
        "values": values,
        "event": {
            "start": utc(datetime.combine(event_date, start, tzinfo=zone)),
            "end": utc(datetime.combine(event_date + timedelta(days=end_day), end, tzinfo=zone)),
        },
        **more,
    }


def utc(moment: datetime) -> str:
    return datetime.fromtimestamp(moment.timestamp(), ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def scaled(asked: dict[str, Any], days: dict[str, float], hours: tuple[int, int] = (0, 24)) -> dict[str, Any]:
    """Values of some local dates and hours multiplied."""
    zone = ZoneInfo(asked["tz"])
    begin = datetime.fromisoformat(asked["series_start"])
    for number, value in enumerate(asked["values"]):
        local = (begin + timedelta(minutes=asked["interval_minutes"] * number)).astimezone(zone)
        factor = days.get(local.date().isoformat())
        if value is not None and factor is not None and hours[0] <= local.hour < hours[1]:
            asked["values"][number] = round(value * factor, 3)
    return asked


def heat(first: str, count: int, seed: int) -> dict[str, float]:
    draw = random.Random(seed)
    start = date.fromisoformat(first)
    return {(start + timedelta(days=n)).isoformat(): round(draw.uniform(20, 38)) * 1.0 for n in range(count)}


def week(day: str, count: int) -> list[str]:
    """Every date of the `count` days before a date."""
    return [(date.fromisoformat(day) - timedelta(days=back)).isoformat() for back in range(1, count + 1)]


AFTERNOON = ("16:00", "19:00")
THURSDAY, SATURDAY, SUNDAY = "2016-07-14", "2016-07-16", "2016-07-17"


Cases = dict[str, tuple[str, dict[str, Any]]]


def preset_cases() -> Cases:
    """The presets on a weekday and on a Saturday."""
    c: Cases = {}
    for number, preset in enumerate(
        ("CAISO_10_IN_10", "CAISO_5_IN_10", "PJM_4_OF_5_SAA", "PJM_MATCH_DAY", "NYISO_AVERAGE_DAY",
         "NYISO_WEATHER_SENSITIVE", "ISONE_10_OF_10", "ISONE_90_10", "ENA_MID_8_OF_10", "ENA_MID_8_OF_10_SDA",
         "ELIA_HIGH_X_OF_Y", "ERCOT_MID_8_OF_10", "MGO")
    ):  # fmt: skip
        span = 100 if preset == "ISONE_90_10" else 75 if "8_OF_10" in preset else 46
        c[f"ref_{preset.lower()}_weekday"] = (
            f"{preset} on a Thursday, hourly, with three event days, an outage day and a holiday",
            question(preset, NY, THURSDAY, AFTERNOON, seed=number + 10, days=span, event_days=["2016-07-12", "2016-07-01", "2016-06-23"],
                     outage_days=["2016-07-07"], holidays=["2016-07-04"]),
        )  # fmt: skip
    for number, preset in enumerate(("CAISO_10_IN_10", "CAISO_5_IN_10", "PJM_4_OF_5_SAA", "PJM_MATCH_DAY",
                                     "NYISO_AVERAGE_DAY", "ISONE_10_OF_10", "ELIA_HIGH_X_OF_Y")):  # fmt: skip
        c[f"ref_{preset.lower()}_saturday"] = (
            f"{preset} on a Saturday; a Saturday before it was an event day, the Monday holiday is observed",
            question(preset, NY, SATURDAY, AFTERNOON, seed=number + 40, event_days=["2016-07-09", "2016-07-05"], holidays=["2016-07-04"]),
        )  # fmt: skip
    return c


def calendar_cases() -> Cases:
    """Day types, holidays, partial intervals and events past midnight."""
    c: Cases = {}
    c["ref_pjm_sunday_with_holiday"] = (
        "PJM on a Sunday: the holiday on Monday counts as a Sunday",
        question("PJM_4_OF_5_SAA", NY, "2016-07-10", AFTERNOON, seed=61, holidays=["2016-07-04"]),
    )
    c["ref_caiso_event_on_a_holiday"] = (
        "an event on a holiday Monday is of the non-business type",
        question("CAISO_10_IN_10", LA, "2016-07-04", AFTERNOON, seed=62, holidays=["2016-07-04", "2016-05-30"]),
    )
    c["ref_caiso_holiday_on_a_sunday"] = (
        "a holiday on a Sunday without observance is no second day type in a two-type calendar",
        question("CAISO_10_IN_10", LA, "2016-07-11", AFTERNOON, seed=63, holidays=["2016-07-10"]),
    )
    c["ref_caiso_quarter_hours_partial"] = (
        "an event of 16:10 to 17:40 on 15-minute data: first and last interval by their covered share",
        question("CAISO_5_IN_10", LA, THURSDAY, ("16:10", "17:40"), seed=64, minutes=15),
    )
    c["ref_pjm_partial_ranking"] = (
        "half-hourly data and an event of 16:20 to 17:50: shares weigh the ranking too",
        question("PJM_4_OF_5_SAA", NY, THURSDAY, ("16:20", "17:50"), seed=65, minutes=30),
    )
    c["ref_caiso_past_midnight"] = (
        "an event of 22:00 to 02:00; days that touch an event day with either date are out, so is the day before",
        question("CAISO_10_IN_10", LA, THURSDAY, ("22:00", "02:00"), seed=66, end_day=1, event_days=["2016-07-08", "2016-06-30"]),
    )  # fmt: skip
    c["ref_isone_windows_before_midnight"] = (
        "an event at 01:00: the window lies on the day before and does not exclude event days",
        question("ISONE_10_OF_10", NY, THURSDAY, ("01:00", "03:00"), seed=67, minutes=30, event_days=["2016-07-11"]),
    )
    return c


def clock_change_cases() -> Cases:
    """Spring and autumn, in the event, its window and its reference days."""
    c: Cases = {}
    c["ref_autumn_event_in_repeated_hour"] = (
        "an event of 02:00 to 03:30 on the October Sunday on which 02:00 to 03:00 comes twice",
        question("ENA_MID_8_OF_10", BERLIN, "2016-10-30", ("02:00", "03:30"), seed=68, minutes=30, days=60),
    )
    c["ref_autumn_reference_day"] = (
        "the repeated hour of a reference Sunday is the mean of both",
        question("CAISO_10_IN_10", BERLIN, "2016-11-05", ("02:00", "04:00"), seed=69, minutes=15, days=30),
    )
    c["ref_spring_reference_day"] = (
        "02:30 does not exist on the clock-change Sunday: the day is passed over",
        question("CAISO_10_IN_10", LA, "2016-03-20", ("02:00", "04:00"), seed=70, days=40),
    )
    c["ref_spring_event_on_the_day"] = (
        "an event on the clock-change Sunday itself, 01:00 to 04:00 is two hours long",
        question("CAISO_10_IN_10", LA, "2016-03-13", ("01:00", "04:00"), seed=71, days=40),
    )
    c["ref_pjm_skips_clock_change"] = (
        "PJM leaves out the Sunday on which the clock changed",
        question("PJM_4_OF_5_SAA", NY, "2016-11-13", AFTERNOON, seed=72, days=40),
    )
    c["ref_window_across_clock_change"] = (
        "the window before a 06:00 event on the autumn Sunday is measured in elapsed hours",
        question("CAISO_10_IN_10", BERLIN, "2016-10-30", ("06:00", "08:00"), seed=73, days=40),
    )
    return c


def shortage_cases() -> Cases:
    """Too few days: topped up or insufficient."""
    c: Cases = {}
    c["ref_caiso_topped_up"] = (
        "nearly all days were events: filled to five with those of highest energy",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=74, event_days=week(THURSDAY, 41)),
    )
    c["ref_caiso_all_days_events"] = (
        "all days were events: five event days carry the baseline",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=75, event_days=week(THURSDAY, 46)),
    )
    c["ref_isone_all_days_events"] = (
        "all days were events and nothing may be topped up",
        question("ISONE_10_OF_10", NY, THURSDAY, AFTERNOON, seed=76, event_days=week(THURSDAY, 46)),
    )
    c["ref_pjm_topped_up_saturday"] = (
        "two Saturdays are needed, one is free: the event Saturday of highest energy joins",
        question("PJM_4_OF_5_SAA", NY, SATURDAY, AFTERNOON, seed=77, days=30,
                 event_days=["2016-07-09", "2016-07-02", "2016-06-18"]),
    )  # fmt: skip
    c["ref_short_series_insufficient"] = (
        "four business days of data: insufficient, never a shorter mean",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=78, days=6),
    )
    return c


def gap_cases() -> Cases:
    """Missing readings, in places that matter and in places that do not."""
    c: Cases = {}
    c["ref_missing_event_slot_replaced"] = (
        "a reference day without one event reading is replaced by the next older one",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=79, holes=("2016-07-12T17:00",)),
    )
    c["ref_missing_window_slot_replaced"] = (
        "a reference day without one window reading is replaced too",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=80, holes=("2016-07-11T13:00",)),
    )
    c["ref_missing_elsewhere_is_nothing"] = (
        "a gap in the night of a reference day does not matter",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=81, holes=("2016-07-11T03:00",)),
    )
    c["ref_window_missing_on_event_day"] = (
        "the event day's window has a gap: factor 1 and said so",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=82, holes=("2016-07-14T13:00",)),
    )
    c["ref_actual_missing_in_event"] = (
        "a reading of the event itself is missing: no total",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=83, holes=("2016-07-14T17:00",)),
    )
    return c


def adjustment_cases() -> Cases:
    """Other events in the window, caps, and windows that allow no ratio."""
    c: Cases = {}
    c["ref_window_overlaps_other_event"] = (
        "another event of the same day reaches into the window",
        question("PJM_4_OF_5_SAA", NY, THURSDAY, AFTERNOON, seed=84,
                 other_events_same_day=[["2016-07-14T18:30:00Z", "2016-07-14T19:00:00Z"]]),
    )  # fmt: skip
    c["ref_other_event_outside_window"] = (
        "another event of the same day in the morning leaves the window alone",
        question("PJM_4_OF_5_SAA", NY, THURSDAY, AFTERNOON, seed=85,
                 other_events_same_day=[["2016-07-14T10:00:00Z", "2016-07-14T12:00:00Z"]]),
    )  # fmt: skip
    c["ref_factor_capped_high"] = (
        "the morning is half again as high: factor capped at 1.2",
        scaled(question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=86), {THURSDAY: 1.5}, (0, 16)),
    )
    c["ref_factor_capped_low"] = (
        "a dead morning: factor capped at 0.71",
        scaled(question("CAISO_5_IN_10", LA, THURSDAY, AFTERNOON, seed=87), {THURSDAY: 0.3}),
    )
    c["ref_addend_bounded"] = (
        "an additive adjustment bounded at 1 kWh per interval by the question",
        question("PJM_4_OF_5_SAA", NY, THURSDAY, AFTERNOON, seed=88, params={"adjustment": {"min": -1, "max": 1}},
                 reference_params={"adjustment": {"kind": "additive", "windows": [{"side": "pre", "from_h": 4, "hours": 3}],
                                                  "min": -1, "max": 1}}),
    )  # fmt: skip
    c["ref_net_export_window"] = (
        "the site exports in the window on most days: a ratio of a negative mean is no ratio",
        scaled(question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=89), dict.fromkeys(week(THURSDAY, 45), -0.5), (10, 15)),
    )  # fmt: skip
    c["ref_actual_window_exports"] = (
        "the event day's window exports, the reference days do not: factor 1",
        scaled(question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=90), {THURSDAY: -1.0}, (10, 15)),
    )
    c["ref_window_reads_zero"] = (
        "the event day's window reads zero: ratio 0, capped at the minimum",
        scaled(question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=91), {THURSDAY: 0.0}, (10, 15)),
    )
    return c


def ranking_cases() -> Cases:
    """Low usage, ties, and days chosen by temperature."""
    c: Cases = {}
    c["ref_pjm_low_usage"] = (
        "two nearly idle days fall under a quarter of the pool's mean and are replaced",
        scaled(question("PJM_4_OF_5_SAA", NY, THURSDAY, AFTERNOON, seed=92), {"2016-07-12": 0.1, "2016-07-08": 0.05}),
    )
    c["ref_nyiso_low_usage"] = (
        "days under a quarter of the running level are passed over",
        scaled(
            question("NYISO_AVERAGE_DAY", NY, THURSDAY, AFTERNOON, seed=93), {"2016-07-11": 0.2, "2016-06-29": 0.15}
        ),
    )
    c["ref_nyiso_event_on_a_holiday"] = (
        "holidays never serve as reference days; an event on one is compared with its weekday",
        question("NYISO_AVERAGE_DAY", NY, "2016-07-04", AFTERNOON, seed=94, holidays=["2016-07-04", "2016-05-30"]),
    )
    c["ref_ties_highest"] = (
        "energies in whole kWh tie often: the more recent day wins",
        question("CAISO_5_IN_10", LA, THURSDAY, ("16:00", "17:00"), seed=95, level=3.0, rounded=0),
    )
    c["ref_ties_middle"] = (
        "of tied highest and lowest days the oldest is dropped",
        question("ENA_MID_8_OF_10", LONDON, THURSDAY, ("16:00", "17:00"), seed=96, level=3.0, rounded=0, days=60),
    )
    for seed, day in ((97, THURSDAY), (98, SUNDAY)):
        c[f"ref_weather_matching_{day}"] = (
            "the four days of the same type with the nearest daily maximum; equal distances: the more recent",
            question("CAISO_WEATHER_MATCHING", LA, day, AFTERNOON, seed=seed, days=60, daily_max_temp=heat("2016-05-20", 60, seed)),
        )  # fmt: skip
    return c


def override_cases() -> Cases:
    """Single numbers of a preset replaced by the question."""
    c: Cases = {}
    c["ref_lookback_override"] = (
        "a look-back of 12 days leaves eight business days",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=99, params={"lookback_days": 12}, reference_params={"lookback": 12}),
    )  # fmt: skip
    c["ref_topup_switched_off"] = (
        "without topping up the same question is insufficient",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=100, event_days=week(THURSDAY, 41),
                 params={"topup_with_event_days": False}, reference_params={"topup": False}),
    )  # fmt: skip
    high = {
        "business": {"y": 6, "x": 3, "min": 4},
        "saturday": {"y": 3, "x": 2, "min": 2},
        "sunday": {"y": 3, "x": 2, "min": 2},
    }
    c["ref_three_day_types_override"] = (
        "day types and pools overridden: three types, 3 highest of 6",
        question("CAISO_5_IN_10", LA, THURSDAY, AFTERNOON, seed=101,
                 params={"day_types": "business_saturday_sunday", "pools": high}, reference_params={"types": 3, "pools": high}),
    )  # fmt: skip
    c["ref_post_window_only"] = (
        "an adjustment window after the event",
        question("CAISO_10_IN_10", LA, THURSDAY, ("14:00", "16:00"), seed=102,
                 params={"adjustment": {"windows": [{"side": "post", "from_h": 1, "hours": 3}]}},
                 reference_params={"adjustment": {"kind": "multiplicative", "windows": [{"side": "post", "from_h": 1, "hours": 3}],
                                                  "min": 0.8, "max": 1.2}}),
    )  # fmt: skip
    return c


def more_cases() -> Cases:
    """Presets and readings of the rules that the others leave out."""
    c: Cases = {}
    c["ref_miso_weekend_two_days"] = (
        "MISO on a Sunday: two days are enough where events took the others",
        question("MISO_10_OF_10", NY, SUNDAY, AFTERNOON, seed=110,
                 event_days=[day for day in week(SUNDAY, 46) if day not in ("2016-07-09", "2016-06-19")]),
    )  # fmt: skip
    c["ref_elexon_bl01_weekday"] = (
        "Elexon BL01 on half-hours with an additive in-day adjustment",
        question("ELEXON_P376_BL01", LONDON, THURSDAY, ("17:00", "19:00"), seed=111, minutes=30, days=61),
    )
    c["ref_aemo_wdr_not_topped_up"] = (
        "AEMO has the Californian form without topping up: nine of ten days were events",
        question("AEMO_WDR", "Australia/Sydney", THURSDAY, AFTERNOON, seed=112, event_days=week(THURSDAY, 41)),
    )
    c["ref_net_export_zero"] = (
        "exports count as zero in everything where the programme says so",
        scaled(question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=113, params={"net_export": "zero"},
                        reference_params={"clip": True}), dict.fromkeys(week(THURSDAY, 20), -0.4), (11, 17)),
    )  # fmt: skip
    half = question("CAISO_10_IN_10", BERLIN, "2016-11-05", ("02:00", "04:00"), seed=114, minutes=60, days=30)
    second = datetime.fromisoformat("2016-10-30T01:00:00+00:00") - datetime.fromisoformat(half["series_start"])
    half["values"][second // timedelta(hours=1)] = None
    c["ref_repeated_hour_half_missing"] = ("half of a repeated hour is not that hour: the Sunday is passed over", half)
    c["ref_caiso_post_window_past_midnight"] = (
        "the window after a 20:00 to 23:00 event lies on the next date, also where that date was an event day",
        question("CAISO_5_IN_10", LA, THURSDAY, ("20:00", "23:00"), seed=115, minutes=30, event_days=["2016-07-12"]),
    )
    c["ref_caiso_topped_up_with_outages"] = (
        "outage days of high use fill up as event days do",
        question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=116, event_days=week(THURSDAY, 20),
                 outage_days=[day for day in week(THURSDAY, 44) if day < "2016-06-24"]),
    )  # fmt: skip
    c["ref_pjm_topped_up_with_events_alone"] = (
        "outage days of high use do not fill up, event days before them do",
        question("PJM_4_OF_5_SAA", NY, THURSDAY, AFTERNOON, seed=121,
                 outage_days=week(THURSDAY, 30), event_days=[day for day in week(THURSDAY, 44) if day < "2016-06-14"]),
    )  # fmt: skip
    c["ref_pjm_outages_alone_do_not_suffice"] = (
        "with nothing but outage days the baseline is insufficient",
        question("PJM_4_OF_5_SAA", NY, THURSDAY, AFTERNOON, seed=122, outage_days=week(THURSDAY, 46)),
    )
    c["ref_isone_five_minutes"] = (
        "ISO-NE on five-minute data, an event of 40 minutes",
        question("ISONE_10_OF_10", NY, THURSDAY, ("16:35", "17:15"), seed=117, minutes=5, days=20),
    )
    c["ref_more_load_in_the_event"] = (
        "the site used more than its baseline: the reduction is negative and kept",
        scaled(question("CAISO_10_IN_10", LA, THURSDAY, AFTERNOON, seed=118), {THURSDAY: 2.0}, (16, 19)),
    )
    c["ref_caiso_until_midnight"] = (
        "an event that ends at midnight touches no other date",
        question("CAISO_10_IN_10", LA, THURSDAY, ("21:00", "00:00"), seed=119, end_day=1, event_days=["2016-07-08"]),
    )
    c["ref_ercot_holiday"] = (
        "ERCOT: holidays are a day type of their own and too few",
        question("ERCOT_MID_8_OF_10", "America/Chicago", "2016-07-04", AFTERNOON, seed=120, days=91,
                 holidays=["2016-07-04", "2016-05-30"]),
    )  # fmt: skip
    return c


def cases() -> Cases:
    """(what is tried, question) by name."""
    makers = (preset_cases, calendar_cases, clock_change_cases, shortage_cases, gap_cases, adjustment_cases,
              ranking_cases, override_cases, more_cases)  # fmt: skip
    return {name: case for make in makers for name, case in make().items()}


def main() -> None:
    for name, (tried, asked) in cases().items():
        folder = FOLDER / name
        if (folder / "expected.json").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        expected = answer(asked)
        asked.pop("reference_params", None)
        (folder / "input.json").write_text(json.dumps(asked, separators=(",", ":")) + "\n")
        (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
        (folder / "README.md").write_text(
            f"Tries: {tried}.\n\nOrigin: a seeded random load (golden_maker.py), answered by the plain-Python reference"
            " (tests/kernels/settlement/reference.py), which shares no code with the service.\n"
        )


if __name__ == "__main__":
    main()
