"""Watch over the bands: an alarm where what they cover has drifted away from what they say."""

from __future__ import annotations

from datetime import date, timedelta

from forecasting.models import Accuracy, DriftAlarm

DRIFT_DAYS = 7
LEAST_DAYS = 3  # fewer prove no drift
LOWEST_COVERAGE, HIGHEST_COVERAGE = 0.70, 0.90


def watch_bands(zone_code: str, delivery_date: date) -> None:
    """Open an alarm for each class whose 80 % band covered less than 0.70 or more than 0.90 over seven days."""
    rows = Accuracy.objects.filter(
        zone_code=zone_code,
        delivery_date__gt=delivery_date - timedelta(days=DRIFT_DAYS),
        delivery_date__lte=delivery_date,
        coverage__isnull=False,
    ).exclude(scope=Accuracy.Scope.DEVICE)
    by_class: dict[str, list[tuple[date, float, int]]] = {}
    for name, day, coverage, intervals in rows.values_list("class_name", "delivery_date", "coverage", "intervals"):
        by_class.setdefault(name, []).append((day, coverage or 0.0, intervals))
    for name, found in by_class.items():
        covered = sum(share * weight for _, share, weight in found) / sum(weight for *_, weight in found)
        drifted = len({day for day, *_ in found}) >= LEAST_DAYS and not LOWEST_COVERAGE <= covered <= HIGHEST_COVERAGE
        known = DriftAlarm.objects.filter(zone_code=zone_code, class_name=name, end_date=None)
        if drifted:
            DriftAlarm.objects.update_or_create(
                zone_code=zone_code,
                class_name=name,
                end_date=None,
                defaults={"coverage": covered},
                create_defaults={"coverage": covered, "begin_date": delivery_date},
            )
        else:
            known.filter(begin_date__lte=delivery_date).update(end_date=delivery_date, coverage=covered)
