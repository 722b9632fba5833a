"""What the database refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apps.dispatch.makers import NOON, make_setpoint
from tests.factories import make_device, make_portfolio
from vpp.dispatch.models import Setpoint

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("target_kw", [10.5, -11.0, float("nan")])
def test_a_setpoint_outside_the_rating_cannot_be_stored(target_kw: float) -> None:
    device = make_device()
    portfolio = make_portfolio(devices=[device])
    with pytest.raises(IntegrityError, match="outside the rating"), transaction.atomic():
        make_setpoint(device, portfolio, target_kw=target_kw)
    make_setpoint(device, portfolio, target_kw=-10.0)


def test_reactive_power_beyond_what_real_power_leaves_cannot_be_stored_nor_changed() -> None:
    device = make_device()
    portfolio = make_portfolio(devices=[device])
    for target_kw, target_kvar in ((-10.0, 4.85), (0.0, -11.2), (0.0, float("nan"))):
        with pytest.raises(IntegrityError, match="kvar is outside the rating"), transaction.atomic():
            make_setpoint(device, portfolio, target_kw=target_kw, target_kvar=target_kvar)
    setpoint = make_setpoint(device, portfolio, target_kw=-10.0, target_kvar=4.84)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Setpoint.objects.filter(pk=setpoint.pk).update(target_kvar=1.0)


def test_what_was_asked_never_changes() -> None:
    device = make_device()
    setpoint = make_setpoint(device, make_portfolio(devices=[device]))
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Setpoint.objects.filter(pk=setpoint.pk).update(target_kw=1.0)


def test_the_same_setpoint_is_not_written_twice() -> None:
    device = make_device()
    portfolio = make_portfolio(devices=[device])
    make_setpoint(device, portfolio)
    with pytest.raises(IntegrityError, match="setpoint_once"), transaction.atomic():
        make_setpoint(device, portfolio)
    make_setpoint(device, portfolio, sequence=1)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(Setpoint.State.values), min_size=1, max_size=6))
def test_the_database_allows_exactly_the_steps_of_the_table(wished: list[str]) -> None:
    with transaction.atomic():
        device = make_device()
        setpoint = make_setpoint(device, make_portfolio(devices=[device]), interval_start=NOON)
        state = "PLANNED"
        for wish in wished:
            try:
                with transaction.atomic():
                    Setpoint.objects.filter(pk=setpoint.pk).update(state=wish)
            except IntegrityError:
                assert wish not in Setpoint.STEPS[state] and wish != state
            else:
                assert wish in Setpoint.STEPS[state] or wish == state
                state = wish
        transaction.set_rollback(True)
    connection.ensure_connection()


def test_a_setpoint_of_nothing_cannot_be_written_and_what_it_names_cannot_be_deleted() -> None:
    device = make_device()
    setpoint = make_setpoint(device, make_portfolio(devices=[]))
    for column in ("device_id", "portfolio_id", "cycle_id"):
        named = {"device_id": device.pk, "portfolio_id": setpoint.portfolio_id, "cycle_id": None} | {column: 10**9}
        with pytest.raises(IntegrityError, match="unknown"), transaction.atomic():
            Setpoint.objects.create(
                interval_start=NOON, sequence=7, target_kw=1.0, baseline_kw=0.0, issued_at=NOON,
                expires_at=NOON + timedelta(hours=1), **named,
            )  # fmt: skip
    for table, pk in (("enrollment_device", device.pk), ("enrollment_portfolio", setpoint.portfolio_id)):
        with pytest.raises(IntegrityError, match="refer to"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id = %s", [pk])  # noqa: S608
