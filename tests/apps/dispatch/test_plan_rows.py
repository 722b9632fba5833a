"""A plan's devices, written and read as whole arrays."""

from __future__ import annotations

import numpy as np
import pytest

from tests.apps.dispatch.day import PlayedDay
from vpp.dispatch import operations, plan_rows
from vpp.dispatch.models import PlanDevice

pytestmark = pytest.mark.django_db


def test_what_a_plan_stores_is_what_the_database_and_the_loop_read() -> None:
    played = PlayedDay(5, up_kw=12.0)
    plan = operations.plan_day(played.portfolio.pk, played.day.date, played.start(-40))
    device_id, baseline_kw, target_kw = plan_rows.read(plan.pk, played.day.n_intervals)
    stored = list(PlanDevice.objects.filter(plan=plan).order_by("device_id"))
    assert device_id.tolist() == [one.device_id for one in stored]
    np.testing.assert_array_equal(baseline_kw, [one.baseline_kw for one in stored])
    np.testing.assert_array_equal(target_kw, [one.target_kw for one in stored])
    assert target_kw[:, 41].sum() == pytest.approx(-12.0)


def test_a_plan_of_no_devices_is_empty() -> None:
    device_id, baseline_kw, target_kw = plan_rows.read(0, 92)
    assert device_id.size == 0 and baseline_kw.shape == target_kw.shape == (0, 92)
