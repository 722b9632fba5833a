"""Cycles inside an interval: what the last minute showed counts at once."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from telemetry import operations as telemetry
from telemetry.kernels.batch import batch_of
from tests.apps.dispatch.day import PlayedDay
from tests.factories import make_client
from vpp.dispatch import operations
from vpp.dispatch.models import DeviceStatus
from vpp.enrollment.models import Device

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def report_minute(played: PlayedDay, index: int, minute: int, power_kw: dict[Device, float]) -> None:
    """Readings of one minute, as a device sends them that reports every minute."""
    at = played.start(index) + MINUTE * minute
    batch = batch_of(
        codes=[one.code for one in power_kw], device=np.arange(len(power_kw)), power_kw=np.array(list(power_kw.values())),
        soc_kwh=np.full(len(power_kw), 10.0), time_us=np.full(len(power_kw), round(at.timestamp() * 1e6)),
    )  # fmt: skip
    assert telemetry.ingest(batch, at=at + MINUTE, principal=None).refused == []


def started(n: int, up_kw: float) -> PlayedDay:
    played = PlayedDay(n, up_kw=up_kw)
    played.cycle(40)
    played.fetch_and_accept(40, make_client()[0])
    return played


def test_a_device_that_stands_still_is_replaced_within_the_next_minute() -> None:
    played = started(4, 12.0)
    still = played.devices[0]
    report_minute(played, 40, 1, played.targets(40) | {still: 0.0})
    cycle = operations.hold([played.portfolio.pk], played.start(40) + 2 * MINUTE)[0]
    assert (cycle.revision, cycle.placed_up_kw) == (1, pytest.approx(12.0))
    assert DeviceStatus.objects.get(device=still).state == "DISOBEYED"
    assert still not in played.targets(40)
    again = operations.hold([played.portfolio.pk], played.start(40) + 3 * MINUTE)[0]
    assert (again.revision, again.written) == (2, 0), "nothing changed, nothing is written"


def test_a_device_that_falls_silent_among_others_that_report_is_replaced() -> None:
    played = started(4, 12.0)
    gone = played.devices[1]
    report_minute(played, 40, 0, played.targets(40))
    for minute in range(1, 7):
        report_minute(played, 40, minute, {one: kw for one, kw in played.targets(40).items() if one != gone})
    cycle = operations.hold([played.portfolio.pk], played.start(40) + 7 * MINUTE)[0]
    assert cycle.placed_up_kw == pytest.approx(12.0)
    assert gone not in played.targets(40)


def test_devices_that_report_by_the_quarter_hour_are_left_alone_inside_it() -> None:
    played = PlayedDay(3, up_kw=9.0)
    played.idle(39)
    played.cycle(40)
    played.fetch_and_accept(40, make_client()[0])
    cycle = operations.hold([played.portfolio.pk], played.start(40) + 8 * MINUTE)[0]
    assert (cycle.written, cycle.unavailable) == (0, 0)


def asked_late(n: int, up_kw: float) -> PlayedDay:
    """Setpoints of a loop that begins six minutes into an interval, accepted."""
    played = PlayedDay(n, up_kw=up_kw)
    played.idle(39)
    operations.control_cycle(played.portfolio.pk, played.start(40), played.start(40) + 6 * MINUTE)
    played.fetch_and_accept(40, make_client()[0])
    return played


def test_who_was_asked_inside_an_interval_is_judged_by_what_it_did_since() -> None:
    played = asked_late(4, 12.0)
    rogue = played.devices[0]
    for minute in range(15):
        targets = played.targets(40) | {rogue: 0.0} if minute > 6 else dict.fromkeys(played.devices, 0.0)
        report_minute(played, 40, minute, targets)
    cycle = played.cycle(41)
    assert cycle.detail["verdicts"] == {"FOLLOWED": 3, "DISOBEYED": 1}
    assert cycle.placed_up_kw == pytest.approx(12.0), "the interval's mean is half of what was asked, through no fault"


def test_nothing_is_said_of_who_was_asked_inside_an_interval_and_reports_by_the_quarter_hour() -> None:
    played = asked_late(3, 9.0)
    played.report(40, {one: kw * 0.6 for one, kw in played.targets(40).items()})
    cycle = played.cycle(41)
    assert cycle.detail["verdicts"] == {"UNDECIDED": 3}
    assert (cycle.unavailable, cycle.placed_up_kw) == (0, pytest.approx(9.0))
    played.report(41, played.targets(41))
    assert played.cycle(42).detail["verdicts"] == {"FOLLOWED": 3}
