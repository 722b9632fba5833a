"""After an owner has withdrawn the consent nothing more is measured; what is needed for the days before still comes."""

from datetime import UTC, datetime, timedelta

import pytest

from telemetry import operations
from telemetry.ingest import alarms
from telemetry.models import Alarm
from tests.apps.telemetry.conftest import send
from tests.apps.telemetry.test_api import message, post
from tests.apps.telemetry.test_registers import power_kw, show, showing
from vpp.enrollment.models import Consent
from vpp.enrollment.onboarding import record_consent
from vpp.enrollment.suspension import withdraw_consent
from vpp.lib import clock

pytestmark = pytest.mark.django_db
T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
WITHDRAWN = [(0, "consent_withdrawn")]


@pytest.fixture
def site(fleet):
    alarms._heard.clear()
    site = fleet.devices[0].site
    record_consent(site, given_by="Anna", document="v1", at=T0 - timedelta(days=90), actor="test")
    return site


def at(place: int) -> datetime:
    return T0 + place * QUARTER


def test_readings_after_the_withdrawal_are_refused_and_earlier_ones_still_come(site):
    assert send(("battery", at(0), 1.0), at=at(0)).accepted == 1
    withdraw_consent(site, at=at(2), actor="test")
    assert send(("battery", at(2), 1.0), at=at(2)).refused == WITHDRAWN
    late = send(("battery", at(1), 1.0), ("load", at(3), 1.0), ("load", at(1), 2.0), at=at(4))
    assert (late.accepted, late.refused) == (2, [(1, "consent_withdrawn")])
    fixed = send(("battery", at(0), 3.0), ("battery", at(5), 3.0), at=at(6), correction=True)
    assert (fixed.corrected, fixed.refused) == (1, [(1, "consent_withdrawn")])
    record_consent(site, given_by="Anna", document="v2", at=at(8), actor="test")
    again = send(("battery", at(8), 1.0), ("battery", at(7), 1.0), at=at(9))
    assert (again.accepted, again.refused) == (1, [(1, "consent_withdrawn")])


def test_a_document_that_takes_anothers_place_leaves_nothing_out(site, fleet):
    Consent.objects.filter(site=site).update(withdrawn_at=at(2))
    Consent.objects.create(site=site, given_by="Anna", document="v2", given_at=at(2))
    assert send(("battery", at(2), 1.0), ("pv", at(1), -1.0), at=at(3)).refused == []


def test_a_register_is_not_counted_across_the_time_without_consent(client, fleet, site):
    clock.set_simulated(at(5))
    show(client, fleet, showing(0, 10.0), showing(1, 11.0))
    withdraw_consent(site, at=T0 + QUARTER + timedelta(minutes=5), actor="test")
    assert show(client, fleet, showing(2, 12.0))["refused"] == [{"row": 0, "reason": "consent_withdrawn"}]
    record_consent(site, given_by="Anna", document="v2", at=at(3), actor="test")
    show(client, fleet, showing(3, 13.0), showing(4, 15.0))
    assert power_kw(fleet) == [4.0, 8.0]


def test_a_sender_that_goes_on_alarms_and_the_silence_of_the_site_does_not(client, fleet, site):
    send(("battery", at(0), 1.0), at=at(0))
    withdraw_consent(site, at=at(1), actor="test")
    clock.set_simulated(at(2))
    answer = post(client, fleet, message(("battery", at(2).isoformat(), 1.0))).json()
    assert answer["refused"] == [{"row": 0, "reason": "consent_withdrawn"}]
    operations.watch(at=at(5))
    assert [one.kind for one in Alarm.objects.open()] == ["NO_CONSENT"]
    operations.watch(at=at(7))
    assert not Alarm.objects.open().filter(kind="NO_CONSENT").exists()
