"""Baselines in plain Python: dictionaries, loops and `datetime`, written from the rules and not from the service.

It shares no code with the service and reads its rules from its own table. It answers the golden cases that are not
worked out by hand.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

PRE_4_3 = {"side": "pre", "from_h": 4, "hours": 3}
PRE_4_2 = {"side": "pre", "from_h": 4, "hours": 2}
POST_2_2 = {"side": "post", "from_h": 2, "hours": 2}
TEN_FOUR = {"business": {"y": 10, "x": 10, "min": 5}, "nonbusiness": {"y": 4, "x": 4, "min": 4}}
RULES: dict[str, dict[str, Any]] = {
    "CAISO_10_IN_10": {
        "types": 2, "lookback": 45, "pools": TEN_FOUR, "topup": True,
        "adjustment": {"kind": "multiplicative", "windows": [PRE_4_3], "min": 0.8, "max": 1.2},
    },
    "CAISO_5_IN_10": {
        "types": 2, "lookback": 45, "pick": "high",
        "pools": {"business": {"y": 10, "x": 5, "min": 5}, "nonbusiness": {"y": 5, "x": 3, "min": 3, "weights": [50, 30, 20]}},
        "adjustment": {"kind": "multiplicative", "windows": [PRE_4_2, POST_2_2], "min": 0.71, "max": 1.4},
    },
    "CAISO_WEATHER_MATCHING": {
        "types": 2, "lookback": 90, "pick": "temperature",
        "pools": {"business": {"y": 90, "x": 4, "min": 4}, "nonbusiness": {"y": 90, "x": 4, "min": 4}},
        "adjustment": {"kind": "multiplicative", "windows": [PRE_4_2, POST_2_2], "min": 0.71, "max": 1.4},
    },
    "PJM_4_OF_5_SAA": {
        "types": 3, "lookback": 45, "pick": "high", "topup": "events", "low_share": 0.25, "skip_clock_change": True,
        "pools": {"business": {"y": 5, "x": 4, "min": 4}, "saturday": {"y": 3, "x": 2, "min": 2}, "sunday": {"y": 3, "x": 2, "min": 2}},
        "adjustment": {"kind": "additive", "windows": [PRE_4_3]},
    },
    "PJM_MATCH_DAY": {
        "types": 3, "lookback": 45, "pick": "load", "skip_clock_change": True,
        "pools": {kind: {"y": 45, "x": 3, "min": 3} for kind in ("business", "saturday", "sunday")},
    },
    "NYISO_AVERAGE_DAY": {
        "types": 3, "lookback": 45, "pick": "high", "first": 2, "nyiso": True,
        "pools": {"business": {"y": 10, "x": 5, "min": 10}, "saturday": {"y": 3, "x": 2, "min": 3}, "sunday": {"y": 3, "x": 2, "min": 3}},
    },
    "ISONE_10_OF_10": {
        "types": 3, "lookback": 45,
        "pools": {"business": {"y": 10, "x": 10, "min": 10}, "saturday": {"y": 5, "x": 5, "min": 5}, "sunday": {"y": 5, "x": 5, "min": 5}},
        "adjustment": {"kind": "additive", "windows": [{"side": "pre", "from_h": 2.5, "hours": 2}]},
    },
    "ISONE_90_10": {
        "types": 3, "lookback": 1100, "pick": "recursive",
        "pools": {kind: {"y": 10, "x": 10, "min": 10} for kind in ("business", "saturday", "sunday")},
        "adjustment": {"kind": "additive", "windows": [{"side": "pre", "from_h": 2.5, "hours": 2}]},
    },
    "ERCOT_MID_8_OF_10": {
        "types": 4, "lookback": 90, "pick": "mid", "rank": "day",
        "pools": {kind: {"y": 10, "x": 8, "min": 10} for kind in ("business", "saturday", "sunday", "holiday")},
        "adjustment": {"kind": "multiplicative", "windows": [{"side": "pre", "from_h": 3, "hours": 2}]},
    },
    "ENA_MID_8_OF_10": {
        "types": 2, "lookback": 60, "pick": "mid",
        "pools": {"business": {"y": 10, "x": 8, "min": 10}, "nonbusiness": {"y": 10, "x": 8, "min": 10}},
    },
    "ELIA_HIGH_X_OF_Y": {
        "types": 2, "lookback": 60, "pick": "high",
        "pools": {"business": {"y": 5, "x": 4, "min": 5}, "nonbusiness": {"y": 3, "x": 2, "min": 3}},
        "adjustment": {"kind": "additive", "windows": [{"side": "pre", "from_h": 3, "hours": 2}]},
    },
    "MGO": {"types": 2, "lookback": 45, "pools": TEN_FOUR, "generator": True},
}  # fmt: skip
RULES["AEMO_WDR"] = {**RULES["CAISO_10_IN_10"], "topup": False}
RULES["MISO_10_OF_10"] = {
    **RULES["AEMO_WDR"],
    "pools": {"business": {"y": 10, "x": 10, "min": 5}, "nonbusiness": {"y": 4, "x": 4, "min": 2}},
}
RULES["ELEXON_P376_BL01"] = {
    "types": 2, "lookback": 60,
    "pools": {"business": {"y": 10, "x": 10, "min": 10}, "nonbusiness": {"y": 4, "x": 4, "min": 4}},
    "adjustment": {"kind": "additive", "windows": [PRE_4_3]},
}  # fmt: skip
RULES["NYISO_WEATHER_SENSITIVE"] = {
    **RULES["NYISO_AVERAGE_DAY"],
    "adjustment": {"kind": "multiplicative", "windows": [PRE_4_2], "min": 0.8, "max": 1.2},
}
RULES["ENA_MID_8_OF_10_SDA"] = {
    **RULES["ENA_MID_8_OF_10"],
    "adjustment": {"kind": "additive", "windows": [PRE_4_3]},
}


class Site:
    """One question's data with look-ups by UTC instant and by wall clock."""

    def __init__(self, question: dict[str, Any]) -> None:
        self.zone = ZoneInfo(question["tz"])
        self.step = timedelta(minutes=question["interval_minutes"])
        self.begin = instant(question["series_start"])
        values = question["values"]
        self.values = {self.begin + number * self.step: value for number, value in enumerate(values)}
        self.end = self.begin + len(values) * self.step
        self.start, self.stop = (instant(question["event"][name]) for name in ("start", "end"))
        self.day = self.start.astimezone(self.zone).date()
        self.holidays = {date.fromisoformat(day) for day in question.get("holidays", [])}
        self.events = {date.fromisoformat(day) for day in question.get("event_days", [])}
        self.outages = {date.fromisoformat(day) for day in question.get("outage_days", [])}
        self.others = [(instant(a), instant(b)) for a, b in question.get("other_events_same_day", [])]
        self.temperature = {date.fromisoformat(day): t for day, t in question.get("daily_max_temp", {}).items()}

    def grid(self, moment: datetime) -> datetime:
        """The interval start at or before a moment."""
        return self.begin + ((moment - self.begin) // self.step) * self.step

    def event_slots(self) -> list[tuple[datetime, float]]:
        """Interval starts with the covered share."""
        found = []
        at = self.grid(self.start)
        while at < self.stop:
            covered = min(at + self.step, self.stop) - max(at, self.start)
            found.append((at, covered / self.step))
            at += self.step
        return found

    def window_slots(self, windows: list[dict[str, Any]]) -> list[datetime]:
        """Intervals that start inside a window, each once."""
        found = set()
        for window in windows:
            lead = timedelta(hours=window["from_h"])
            begin = self.start - lead if window["side"] == "pre" else self.stop + lead
            end = begin + timedelta(hours=window["hours"])
            at = self.grid(begin) - self.step
            while at < end:
                if at >= begin:
                    found.add(at)
                at += self.step
        return sorted(found)

    def like(self, slot: datetime, day: date) -> float | None:
        """The reading at the slot's time of day on another date."""
        local = slot.astimezone(self.zone).replace(tzinfo=None)
        there = datetime.combine(day + (local.date() - self.day), local.time())
        instants = set()
        for fold in (0, 1):
            utc = there.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            if utc.astimezone(self.zone).replace(tzinfo=None) == there:
                instants.add(utc)
        readings = [self.values.get(utc) for utc in instants]
        known = [reading for reading in readings if reading is not None]
        return sum(known) / len(known) if known and len(known) == len(readings) else None

    def touches(self, day: date) -> set[date]:
        """The dates that the event's slots fall on when the event is moved to a date."""
        return {day + (slot.astimezone(self.zone).date() - self.day) for slot, _ in self.event_slots()}

    def midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def day_type(self, day: date, rule: dict[str, Any], reference: bool = True) -> str | None:
        weekday = day.weekday()
        holiday = day in self.holidays
        if rule["types"] == 2:
            return "nonbusiness" if holiday or weekday >= 5 else "business"
        own = {5: "saturday", 6: "sunday"}.get(weekday, "business")
        if rule.get("nyiso"):
            return None if reference and holiday and weekday < 5 else own
        if holiday:
            return "holiday" if rule["types"] == 4 else "sunday"
        return own


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The answer to a day-matching question: the fields that a golden case compares."""
    site = Site(question)
    rule = {**RULES[question["preset"]], **question.get("reference_params", {})}
    slots = site.event_slots()
    windows = site.window_slots(rule.get("adjustment", {}).get("windows", []))
    if rule.get("generator") or rule.get("clip"):
        site.values = {at: None if value is None else max(value, 0.0) for at, value in site.values.items()}
    chosen, status = choose(site, rule, slots, windows)
    actual = [site.values.get(at) for at, _ in slots]
    out: dict[str, Any] = {
        "status": status,
        "intervals": [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at, _ in slots],
        "coverage": [share for _, share in slots],
        "actual_kwh": actual,
    }
    if status == "insufficient":
        return {**out, "baseline_kwh": [None] * len(slots), "total_reduction_kwh": None}
    chosen.sort(key=lambda pair: pair[0], reverse=True)
    unadjusted = [weighted(site, at, chosen) for at, _ in slots]
    adjustment, baseline = adjust(site, rule, windows, chosen, unadjusted)
    reduction = [
        None if real is None else share * (base - real)
        for (_, share), base, real in zip(slots, baseline, actual, strict=True)
    ]
    if rule.get("generator"):
        reduction = [None if r is None else max(0.0, -r) for r in reduction]
    known = [value for value in reduction if value is not None]
    return {
        **out,
        "selected_days": [day.isoformat() for day, _ in chosen],
        "weights": [weight for _, weight in chosen],
        "unadjusted_kwh": unadjusted,
        "adjustment": adjustment,
        "baseline_kwh": baseline,
        "reduction_kwh": reduction,
        "total_reduction_kwh": sum(known) if len(known) == len(reduction) else None,
    }


def weighted(site: Site, slot: datetime, chosen: list[tuple[date, float]]) -> float:
    total = 0.0
    for day, weight in chosen:
        reading = site.like(slot, day)
        assert reading is not None
        total += weight * reading
    return total


def adjust(
    site: Site, rule: dict[str, Any], windows: list[datetime], chosen: list[tuple[date, float]], unadjusted: list[float]
) -> tuple[dict[str, Any], list[float]]:
    wanted = rule.get("adjustment")
    if not wanted:
        return {"kind": "none", "status": "none"}, unadjusted
    kind = wanted["kind"]
    neutral = 1.0 if kind == "multiplicative" else 0.0
    real = [site.values.get(at) for at in windows]
    status = ""
    if not windows or any(value is None for value in real):
        status = "window_missing"
    elif any(at < end and at + site.step > begin for at in windows for begin, end in site.others):
        status = "window_overlaps_event"
    if status:
        return {"kind": kind, "status": status, "raw": None, "applied": neutral}, unadjusted
    base_mean = sum(weighted(site, at, chosen) for at in windows) / len(windows)
    real_mean = sum(value for value in real if value is not None) / len(windows)
    if kind == "multiplicative" and (base_mean <= 0 or real_mean < 0):
        status = "window_baseline_not_positive" if base_mean <= 0 else "window_actual_negative"
        return {"kind": kind, "status": status, "raw": None, "applied": neutral}, unadjusted
    raw = real_mean / base_mean if kind == "multiplicative" else real_mean - base_mean
    applied = max(raw, wanted.get("min", -math.inf))
    applied = min(applied, wanted.get("max", math.inf))
    done = [value * applied if kind == "multiplicative" else value + applied for value in unadjusted]
    return {"kind": kind, "status": "applied" if applied == raw else "capped", "raw": raw, "applied": applied}, done


def choose(
    site: Site, rule: dict[str, Any], slots: list[tuple[datetime, float]], windows: list[datetime]
) -> tuple[list[tuple[date, float]], str]:
    """(days with weights, status)."""
    wanted = site.day_type(site.day, rule, reference=False)
    pool = rule["pools"][wanted]
    compared = compared_slots(site) if rule.get("pick") == "load" else []
    eligible: list[date] = []
    spare: list[date] = []
    for back in range(rule.get("first", 1), rule["lookback"] + 1):
        day = site.day - timedelta(days=back)
        if site.midnight(day) + timedelta(days=2) < site.begin:
            break
        if site.day_type(day, rule) != wanted:
            continue
        length = site.midnight(day + timedelta(days=1)) - site.midnight(day)
        if rule.get("skip_clock_change") and length != timedelta(hours=24):
            continue
        if rule.get("pick") == "temperature" and day not in site.temperature:
            continue
        whole = all(site.like(at, day) is not None for at in [at for at, _ in slots] + windows + compared)
        if rule.get("rank") == "day":
            whole = whole and day_energy(site, day) is not None
        touched = site.touches(day)
        weekend_free = rule.get("nyiso") and wanted != "business"
        dispatched = bool(touched & (site.events | site.outages)) and not weekend_free
        if not whole:
            continue
        (spare if dispatched or site.day in touched else eligible).append(day)

    def energy(day: date) -> float:
        if rule.get("rank") == "day":
            return day_energy(site, day) or 0.0
        return sum(share * (site.like(at, day) or 0.0) for at, share in slots)

    collected = collect(site, rule, pool, eligible, energy, slots, wanted)
    status = "ok"
    if len(collected) < pool["min"] and rule.get("topup"):
        if rule["topup"] == "events":
            spare = [day for day in spare if not site.touches(day) & site.outages]
        spare.sort(key=lambda day: (-energy(day), -day.toordinal()))
        while spare and len(collected) < pool["min"]:
            collected.append(spare.pop(0))
            status = "ok_topped_up"
    if len(collected) < pool["min"]:
        return [], "insufficient"
    return pick(site, rule, pool, collected, energy, compared), status


def collect(
    site: Site, rule: dict[str, Any], pool: dict[str, Any], eligible: list[date], energy: Any, slots: Any, wanted: Any
) -> list[date]:
    if rule.get("pick") == "recursive":
        return list(eligible)
    if rule.get("low_share"):
        left = list(eligible)
        while True:
            taken = left[: pool["y"]]
            mean = sum(energy(day) for day in taken) / len(taken) if taken else 0.0
            low = [day for day in taken if mean > 0 and energy(day) < rule["low_share"] * mean]
            if not low:
                return taken
            left = [day for day in left if day not in low]
    if rule.get("nyiso") and wanted == "business":
        hours = sum(share for _, share in slots) * (site.step / timedelta(hours=1))
        levels = [seed(site)]
        taken = []
        for day in eligible:
            if energy(day) / hours >= 0.25 * (sum(levels) / len(levels)):
                taken.append(day)
                levels.append(energy(day) / hours)
            if len(taken) == pool["y"]:
                break
        return taken
    return eligible[: pool["y"]]


def pick(
    site: Site, rule: dict[str, Any], pool: dict[str, Any], collected: list[date], energy: Any, compared: list[datetime]
) -> list[tuple[date, float]]:
    kind = rule.get("pick", "recent")
    if kind == "recursive":
        oldest_first = sorted(collected)
        weights = dict.fromkeys(oldest_first[: pool["y"]], 1.0 / pool["y"])
        for day in oldest_first[pool["y"] :]:
            weights = {older: 0.9 * weight for older, weight in weights.items()}
            weights[day] = 0.1
        return list(weights.items())
    use = min(pool["x"], len(collected))
    if kind == "high":
        ranked = sorted(collected, key=lambda day: (-energy(day), -day.toordinal()))[:use]
    elif kind == "mid":
        ranked = list(collected)
        drop = len(collected) - use
        for number in range(drop):
            sign = 1 if number < drop - drop // 2 else -1
            ranked.remove(max(ranked, key=lambda day, sign=sign: (sign * energy(day), -day.toordinal())))  # type: ignore[misc]
    elif kind == "temperature":
        target = site.temperature[site.day]
        ranked = sorted(collected, key=lambda day: (abs(site.temperature[day] - target), -day.toordinal()))[:use]
    elif kind == "load":

        def gap(day: date) -> float:
            return sum(((site.like(at, day) or 0.0) - (site.values[at] or 0.0)) ** 2 for at in compared)

        ranked = sorted(collected, key=lambda day: (gap(day), -day.toordinal()))[:use]
    else:
        ranked = collected[:use]
    days = sorted(ranked, reverse=True)
    weights = pool.get("weights", [1.0] * len(days))[: len(days)]
    return [(day, weight / sum(weights)) for day, weight in zip(days, weights, strict=True)]


def day_energy(site: Site, day: date) -> float | None:
    total, at = 0.0, site.midnight(day)
    while at < site.midnight(day + timedelta(days=1)):
        reading = site.values.get(at)
        if reading is None:
            return None
        total += reading
        at += site.step
    return total


def seed(site: Site) -> float:
    """Highest hourly mean kW of the 30 days up to day-2."""
    end = site.midnight(site.day - timedelta(days=1))
    at = max(site.midnight(site.day - timedelta(days=31)), site.begin)
    best = 0.0
    while at < end:
        hour, moment = [], at
        while moment < at + timedelta(hours=1):
            hour.append(site.values.get(moment))
            moment += site.step
        if all(value is not None for value in hour):
            best = max(best, sum(value for value in hour if value is not None))
        at += timedelta(hours=1)
    return best


def compared_slots(site: Site) -> list[datetime]:
    """The event day's intervals that keep an hour away from the event and have a reading."""
    found, at = [], site.midnight(site.day)
    while at < site.midnight(site.day + timedelta(days=1)):
        far = at + site.step <= site.start - timedelta(hours=1) or at >= site.stop + timedelta(hours=1)
        if far and site.values.get(at) is not None:
            found.append(at)
        at += site.step
    return found
