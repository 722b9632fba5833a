"""Slots: each due moment once, missed ones caught up, both clock-change days ordinary."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.apps.jobs.handlers import declare
from vpp.jobs import handlers, schedule
from vpp.jobs.models import Job, ScheduleSlot

pytestmark = pytest.mark.django_db
declare()


@pytest.fixture(autouse=True)
def one_schedule(monkeypatch):
    monkeypatch.setattr(handlers, "SCHEDULES", {})
    monkeypatch.setattr(schedule, "SCHEDULES", handlers.SCHEDULES)
    handlers.daily(
        "nightly tests",
        kind="tests.mark",
        local_time=time(2, 30),
        time_zone="Europe/Berlin",
        payload=lambda day: {"text": day},
    )


def test_a_slot_is_filled_once_however_often_the_clock_ticks(at):
    assert schedule.tick(at=at) == 1
    assert schedule.tick(at=at + timedelta(minutes=1)) == 0
    assert schedule.tick(at=at + timedelta(days=1)) == 1
    assert Job.objects.count() == ScheduleSlot.objects.count() == 2


def test_slots_missed_while_nobody_ran_are_caught_up(at):
    schedule.tick(at=at)
    assert schedule.tick(at=at + timedelta(days=3)) == 3


@pytest.mark.parametrize(("day", "utc_hour"), [(datetime(2016, 3, 27), 1), (datetime(2016, 10, 30), 0)])
def test_a_wall_clock_time_that_is_skipped_or_repeated_is_due_once(day, utc_hour):
    after = day.replace(hour=12, tzinfo=UTC)
    assert schedule.tick(at=after) == 1
    assert ScheduleSlot.objects.get().due_at == day.replace(hour=utc_hour, minute=30, tzinfo=UTC)
    assert schedule.tick(at=after + timedelta(minutes=5)) == 0
