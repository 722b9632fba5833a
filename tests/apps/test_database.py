"""The tests stand on a real PostgreSQL and its rules."""

import pytest
from django.db import DatabaseError, connection, transaction

from tests.factories import make_device, make_portfolio
from vpp.accounts import operations as accounts
from vpp.enrollment.models import Enrollment

pytestmark = pytest.mark.django_db


def test_the_database_is_postgresql():
    assert connection.vendor == "postgresql"


def test_the_audit_trail_refuses_change_and_deletion(at):
    device = make_device()
    event = accounts.audit(at=at, actor="test", action="device.suspended", subject=device)
    for statement in (
        "UPDATE accounts_auditevent SET action = 'x' WHERE id = %s",
        "DELETE FROM accounts_auditevent WHERE id = %s",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [event.pk])


def test_a_device_cannot_be_in_two_portfolios_at_once():
    device = make_device()
    first, second = make_portfolio(devices=[device]), make_portfolio()
    period = first.enrollments.get().period
    with pytest.raises(DatabaseError, match="enrollment_one_portfolio_at_a_time"), transaction.atomic():
        Enrollment.objects.create(device=device, portfolio=second, period=period)
