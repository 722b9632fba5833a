"""The accuracy board: what the forecasts of the last weeks were worth, per class and per series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from forecasting.models import Accuracy, DriftAlarm

BOARD_DAYS = 28
WORST_SERIES = 20
DRIFT_DAYS = 7


@dataclass(frozen=True)
class ClassAccuracy:
    """One class of devices, or all portfolios, or all feeders, over the board's days; powers are means in kW.

    Ratios are to the weekly naive (same slot a week before), below 1 is better, None where there was none to compare
    with. champion is what was served, challenger the robust profile alone. coverage: share inside the 80 % band.
    drifting: an alarm is open, because the coverage over seven days left 0.70 to 0.90. rung_share: {rung: share 0..1}.
    """

    class_name: str
    series: int
    days: int
    mae_kw: float
    naive_mae_kw: float | None
    challenger_mae_kw: float | None
    mae_ratio: float | None
    challenger_ratio: float | None
    pinball_kw: float | None
    crps_kw: float | None
    crps_ratio: float | None
    coverage: float | None
    coverage_7_days: float | None
    drifting: bool
    rung_share: dict[str, float]


@dataclass(frozen=True)
class SeriesAccuracy:
    """One device, portfolio or feeder over the board's days; `name` is its code. Ratios as in ClassAccuracy."""

    scope: str
    class_name: str
    name: str
    device_id: int | None
    portfolio_id: int | None
    days: int
    mae_kw: float
    mae_ratio: float | None
    challenger_ratio: float | None
    crps_kw: float | None
    crps_ratio: float | None
    coverage: float | None
    rung: str


@dataclass(frozen=True)
class AccuracyBoard:
    """Classes by name, sums last, and the worst series first. first_date is None before anything was scored."""

    first_date: date | None
    last_date: date | None
    classes: list[ClassAccuracy]
    worst: list[SeriesAccuracy]
    open_alarms: list[DriftAlarm]


def accuracy_board(
    *, zone_code: str = "", until: date | None = None, days: int = BOARD_DAYS, worst: int = WORST_SERIES
) -> AccuracyBoard:
    """Scores of the delivery days up to `until` (the last scored one by default), `days` of them.

    zone_code : of one zone; all zones together if empty. worst : how many series to name, those with the highest CRPS
    ratio to the weekly naive first. Rows come from `operations.score_day`, the morning after each delivery day. For
    the aggregator's own people: an edge asks for a principal who sees all before it calls this.
    """
    rows = Accuracy.objects.filter(zone_code=zone_code) if zone_code else Accuracy.objects.all()
    scored = rows.filter(delivery_date__lte=until) if until else rows
    last = scored.order_by("-delivery_date").values_list("delivery_date", flat=True).first()
    if last is None:
        return AccuracyBoard(None, None, [], [], [])
    shown = scored.filter(delivery_date__gt=last - timedelta(days=days))
    first = shown.order_by("delivery_date").values_list("delivery_date", flat=True).first()
    alarms = DriftAlarm.objects.filter(end_date=None).order_by("class_name")
    alarms = alarms.filter(zone_code=zone_code) if zone_code else alarms
    found = list(alarms)
    drifting = {alarm.class_name for alarm in found}
    return AccuracyBoard(first, last, _classes(shown, last, drifting), _worst_series(shown, worst), found)


def _classes(shown: Iterable[Accuracy], last: date, drifting: set[str]) -> list[ClassAccuracy]:
    sums = {Accuracy.Scope.PORTFOLIO: 1, Accuracy.Scope.FEEDER: 2}
    rows = sorted(
        shown.exclude(scope=Accuracy.Scope.DEVICE),  # type: ignore[attr-defined]
        key=lambda row: (sums.get(Accuracy.Scope(row.scope), 0), row.class_name),
    )
    return [_class_of(list(group), last, name in drifting) for name, group in groupby(rows, key=lambda r: r.class_name)]


def _class_of(rows: list[Accuracy], last: date, drifting: bool) -> ClassAccuracy:
    mae, naive, challenger = (_mean(rows, name) for name in ("mae_kw", "naive_mae_kw", "challenger_mae_kw"))
    crps = _mean(rows, "crps_kw")
    rungs: Counter[str] = Counter()
    for row in rows:
        rungs.update(row.rungs)
    total = sum(rungs.values())
    recent = [row for row in rows if row.delivery_date > last - timedelta(days=DRIFT_DAYS)]
    by_day = Counter[date]()
    for row in rows:
        by_day[row.delivery_date] += row.series
    return ClassAccuracy(
        class_name=rows[0].class_name,
        series=max(by_day.values()),
        days=len(by_day),
        mae_kw=mae or 0.0,
        naive_mae_kw=naive,
        challenger_mae_kw=challenger,
        mae_ratio=_ratio(rows, "mae_kw"),
        challenger_ratio=_ratio(rows, "challenger_mae_kw"),
        pinball_kw=_mean(rows, "pinball_kw"),
        crps_kw=crps,
        crps_ratio=_ratio(rows, "crps_kw"),
        coverage=_mean(rows, "coverage"),
        coverage_7_days=_mean(recent, "coverage"),
        drifting=drifting,
        rung_share={rung: count / total for rung, count in sorted(rungs.items())} if total else {},
    )


def _worst_series(shown: Iterable[Accuracy], worst: int) -> list[SeriesAccuracy]:
    rows = sorted(
        shown.exclude(scope=Accuracy.Scope.CLASS).select_related("device", "portfolio"),  # type: ignore[attr-defined]
        key=_subject,
    )
    found = [_series_of(list(group)) for _, group in groupby(rows, key=_subject)]
    return sorted(found, key=lambda one: (-(one.crps_ratio or one.mae_ratio or 0.0), one.name))[:worst]


def _subject(row: Accuracy) -> tuple[str, int, int, str]:
    return (row.scope, row.device_id or 0, row.portfolio_id or 0, row.feeder_code)


def _series_of(rows: list[Accuracy]) -> SeriesAccuracy:
    newest = max(rows, key=lambda row: row.delivery_date)
    subject = newest.device or newest.portfolio
    return SeriesAccuracy(
        scope=newest.scope,
        class_name=newest.class_name,
        name=subject.code if subject else newest.feeder_code,
        device_id=newest.device_id,
        portfolio_id=newest.portfolio_id,
        days=len(rows),
        mae_kw=_mean(rows, "mae_kw") or 0.0,
        mae_ratio=_ratio(rows, "mae_kw"),
        challenger_ratio=_ratio(rows, "challenger_mae_kw"),
        crps_kw=_mean(rows, "crps_kw"),
        crps_ratio=_ratio(rows, "crps_kw"),
        coverage=_mean(rows, "coverage"),
        rung=next(iter(newest.rungs), ""),
    )


def _mean(rows: list[Accuracy], name: str) -> float | None:
    """Mean over the rows that have it, each with the weight of its intervals."""
    have = [(getattr(row, name), row.intervals) for row in rows if getattr(row, name) is not None]
    weight = sum(intervals for _, intervals in have)
    return sum(value * intervals for value, intervals in have) / weight if weight else None


def _ratio(rows: list[Accuracy], name: str) -> float | None:
    """Mean score over the naive MAE, on the days that have both."""
    both = [row for row in rows if row.naive_mae_kw is not None and getattr(row, name) is not None]
    naive = _mean(both, "naive_mae_kw")
    return (_mean(both, name) or 0.0) / naive if naive else None
