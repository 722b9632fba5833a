"""Writers at the same time: one bucket, one batch, one day."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from telemetry import operations
from telemetry.models import Latest, Reading, ReadingDay, Rollup15
from tests.apps.telemetry.conftest import rows, send
from tests.factories import make_device

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def codes(transactional_db) -> list[str]:
    return [make_device(max_consumption_kw=100.0, max_production_kw=100.0).code for _ in range(20)]


def together(*works: Callable[[], object]) -> list:
    def run(work: Callable[[], object]) -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def test_writers_to_the_same_buckets_lose_no_reading(codes):
    def writer(part: int) -> Callable[[], object]:
        def work() -> None:
            for minute in range(part, 15, 4):
                send(
                    *((code, T0 + timedelta(minutes=minute), float(minute)) for code in codes),
                    at=T0 + timedelta(hours=1),
                )

        return work

    together(*(writer(part) for part in range(4)))
    assert Reading.objects.count() == 15 * len(codes)
    operations.refresh_rollup(before=T0 + timedelta(hours=1))
    cells = Rollup15.objects.values_list("count", "energy_kwh", "min_kw", "max_kw")
    assert set(cells) == {(15, 7.0 / 4, 0.0, 14.0)}
    assert set(Latest.objects.values_list("power_kw", flat=True)) == {14.0}


def test_the_same_batch_from_two_senders_is_stored_once(codes):
    batch = rows(*((code, T0, 1.0 + place) for place, code in enumerate(codes)))
    answers = together(*[lambda: operations.ingest(batch, at=T0, principal=None)] * 4)
    assert sum(answer.accepted for answer in answers) == len(codes)
    assert sum(answer.duplicates for answer in answers) == 3 * len(codes)
    assert Reading.objects.count() == Rollup15.objects.count() == len(codes)


def test_of_two_contradicting_senders_one_is_refused(codes):
    answers = together(*[lambda power_kw=power_kw: send((codes[0], T0, power_kw), at=T0) for power_kw in (1.0, 2.0)])
    assert sorted((answer.accepted, len(answer.refused)) for answer in answers) == [(0, 1), (1, 0)]


def test_a_packed_day_and_late_rows_of_it_come_together(codes):
    start = T0.replace(hour=0) - timedelta(days=1)
    times = [start + timedelta(minutes=15 * place) for place in range(96)]
    whole = rows(*((code, time, 1.0) for code in codes for time in times))
    late = rows(*((code, start + timedelta(minutes=7), 3.0) for code in codes))
    together(
        lambda: operations.ingest(whole, at=T0, principal=None),
        lambda: operations.ingest(late, at=T0, principal=None),
        lambda: operations.ingest(whole, at=T0, principal=None),
        lambda: operations.close_days(before=T0.date(), at=T0),
    )
    operations.close_days(before=T0.date(), at=T0)
    assert set(ReadingDay.objects.values_list("count", flat=True)) == {97}
    from telemetry import queries

    ids = sorted(ReadingDay.objects.values_list("device_id", flat=True))
    power_kw = queries.interval_power_kw(ids, start, start + timedelta(minutes=30))
    assert np.array_equal(power_kw, np.tile([2.0, 1.0], (len(codes), 1)))
