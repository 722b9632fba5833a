"""Requests, offers, orders: the trade as the reference library's messages carry it."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
import requests
from django.db import connection
from shapeshifter_uftp.uftp import (
    AcceptedRejected,
    FlexOfferResponse,
    FlexOfferRevocationResponse,
    FlexOrder,
    FlexOrderISP,
    FlexRequestISP,
    FlexReservationUpdate,
    FlexReservationUpdateISP,
    TestMessage,
)
from xsdata.models.datatype import XmlDate, XmlDuration

from bidding import operations
from bidding.errors import WrongState
from bidding.models import Ask, Award, Bid, FlexContract, Reservation
from bidding.queries import book_check
from tests.apps.uftp.desk import Desk, make_desk
from vpp.jobs import operations as jobs
from vpp.jobs.models import Job
from vpp.lib import clock
from vpp.uftp.models import Offer, OutMessage, Prognosis


def test_a_test_message_is_answered_in_its_conversation_and_version(desk: Desk):
    message = TestMessage(version="3.0.0")
    assert desk.send(message) == 200
    answer = desk.last("TestMessageResponse")
    assert (answer.conversation_id, answer.version) == (message.conversation_id, "3.0.0")


def test_a_request_becomes_an_offer_an_order_and_a_prognosis(desk: Desk):
    request = desk.request()
    assert desk.send(request) == 200
    answer = desk.last("FlexRequestResponse")
    assert (answer.result, answer.flex_request_message_id) == (AcceptedRejected.ACCEPTED, request.message_id)
    desk.answer()
    offer = desk.last("FlexOffer")
    assert offer.flex_request_message_id == request.message_id
    assert offer.conversation_id == request.conversation_id
    whole = offer.offer_options[0]
    assert [(one.start, one.power) for one in whole.isps] == [(n, -10_000) for n in range(73, 77)]
    desk.send(FlexOfferResponse(flex_offer_message_id=offer.message_id))
    assert Offer.objects.get().state == "ACCEPTED"
    order = desk.order(offer)
    desk.send(order)
    assert desk.last("FlexOrderResponse").result == AcceptedRejected.ACCEPTED
    award = Award.objects.get()
    assert award.up_kw[72:76] == [10.0] * 4
    assert award.uftp_order.order_reference == order.order_reference
    assert Ask.objects.get().state == "COMMITTED"
    prognosis = desk.last("DPrognosis")
    assert len(prognosis.isps) == 96
    assert {one.power for one in prognosis.isps} == {0, -10_000}
    assert Prognosis.objects.get().revision == 1
    assert book_check(desk.world.day.date) == []


def test_part_of_an_option_is_ordered(desk: Desk):
    offer = desk.offered()
    desk.send(desk.order(offer, factor="0.50"))
    assert Award.objects.get().up_kw[72:76] == [5.0] * 4


def test_the_half_option_costs_no_more_a_kilowatt_hour(desk: Desk):
    whole, half = desk.offered().offer_options
    assert half.price <= whole.price / 2 + Decimal("0.01")
    assert {one.power for one in half.isps} == {-5_000}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"isp_duration": XmlDuration("PT30M")}, "ISP duration rejected"),
        ({"time_zone": "America/New_York"}, "TimeZone rejected"),
        ({"time_zone": "Europe/Atlantis"}, "TimeZone rejected"),
        ({"congestion_point": "ean.871234567890123456"}, "Invalid CongestionPoint"),
        ({"period": XmlDate(2016, 7, 11)}, "Period out of bounds"),
        ({"period": XmlDate(9999, 12, 31)}, "Period out of bounds"),
        ({"expiration_date_time": "2016-07-13T07:00:00+00:00"}, "ExpirationDateTime out of bounds"),
        ({"expiration_date_time": "2016-07-14T16:00:01+00:00"}, "ExpirationDateTime out of bounds"),
        (
            {"isps": [FlexRequestISP(disposition="Requested", min_power=-1, max_power=0, start=97)]},
            "ISPs out of bounds",
        ),
        (
            {"isps": [FlexRequestISP(disposition="Requested", min_power=-9, max_power=0, start=95, duration=3)]},
            "ISPs out of bounds",
        ),
        (
            {
                "isps": [
                    FlexRequestISP(disposition="Requested", min_power=-9, max_power=0, start=70, duration=3),
                    FlexRequestISP(disposition="Available", min_power=-9, max_power=0, start=72),
                ]
            },
            "ISP conflict",
        ),
        ({"isps": [FlexRequestISP(disposition="Available", min_power=-9, max_power=0, start=70)]}, "Invalid Message"),
        ({"isps": [FlexRequestISP(disposition="Requested", min_power=9, max_power=-9, start=70)]}, "Invalid Message"),
        ({"isps": [FlexRequestISP(disposition="Requested", min_power=-9, max_power=9, start=70)]}, "Invalid Message"),
        ({"contract_id": "none"}, "Unknown ContractID reference"),
        ({"recipient_domain": "other.example"}, "Unknown RecipientDomain"),
        ({"sender_domain": "other.example"}, "Invalid Sender"),
    ],
)
def test_a_request_that_breaks_a_rule_is_rejected_with_its_text(desk: Desk, change, reason):
    request = desk.request(**change)
    assert desk.send(request) == 200
    answer = desk.last("FlexRequestResponse")
    assert answer.result == AcceptedRejected.REJECTED
    assert answer.rejection_reason.startswith(reason)
    assert not Ask.objects.exists()


def test_a_zone_with_the_same_clock_is_taken(desk: Desk):
    desk.send(desk.request(time_zone="Europe/Amsterdam"))
    assert desk.last("FlexRequestResponse").result == AcceptedRejected.ACCEPTED


def test_both_directions_in_one_request_become_two_asks(desk: Desk):
    isps = [
        FlexRequestISP(disposition="Requested", min_power=-8000, max_power=0, start=73),
        FlexRequestISP(disposition="Requested", min_power=0, max_power=6000, start=50),
        FlexRequestISP(disposition="Available", min_power=-4000, max_power=3000, start=80, duration=4),
    ]
    desk.send(desk.request(isps=isps))
    up, down = Ask.objects.order_by("reference")
    assert (up.direction, up.quantity_kw[72], up.recovery_limit_kw[79]) == ("UP", 8.0, 3.0)
    assert (down.direction, down.quantity_kw[49], down.recovery_limit_kw[82]) == ("DOWN", 6.0, 4.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"flex_offer_message_id": "00000000-0000-4000-8000-000000000000"}, "Unknown FlexOfferMessageID reference"),
        ({"option_reference": "Z"}, "Unknown OptionReference reference"),
        ({"option_reference": None}, "Unknown OptionReference reference"),
        ({"period": XmlDate(2016, 7, 15)}, "Reference Period mismatch"),
        ({"price": Decimal("0.0001")}, "Price mismatch"),
        ({"currency": "USD"}, "Price mismatch"),
        ({"isps": [FlexOrderISP(power=-10_000, start=73, duration=4)]}, "ISP mismatch"),
        ({"isps": [FlexOrderISP(power=-10_000, start=n) for n in range(73, 76)]}, "ISP mismatch"),
        ({"isps": [FlexOrderISP(power=-9_999, start=n) for n in range(73, 77)]}, "Power mismatch"),
        ({"isps": [FlexOrderISP(power=10_000, start=n) for n in range(73, 77)]}, "Power mismatch"),
        ({"isps": [FlexOrderISP(power=-10_000, start=73), FlexOrderISP(power=-10_000, start=73)]}, "ISP conflict"),
        ({"isps": [FlexOrderISP(power=-10_000, start=200)]}, "ISPs out of bounds"),
        ({"activation_factor": Decimal("0.05")}, "Invalid Message"),
        ({"congestion_point": "ean.871234567890123456"}, "Invalid CongestionPoint"),
    ],
)
def test_an_order_that_does_not_repeat_the_offer_is_rejected(desk: Desk, change, reason):
    offer = desk.offered()
    desk.send(desk.order(offer, **change))
    answer = desk.last("FlexOrderResponse")
    assert (answer.result, answer.rejection_reason.startswith(reason)) == (AcceptedRejected.REJECTED, True)
    assert not Award.objects.exists()
    desk.send(desk.order(offer))
    assert Award.objects.count() == 1


def test_an_offer_is_ordered_once(desk: Desk):
    offer = desk.offered()
    first = desk.order(offer)
    desk.send(first)
    desk.send(desk.order(offer))
    assert desk.last("FlexOrderResponse").rejection_reason.startswith("Already Submitted")
    other = desk.order(desk.offered(numbers=range(20, 24)), order_reference=first.order_reference)
    desk.send(other)
    assert desk.last("FlexOrderResponse").rejection_reason.startswith("Already Submitted")
    assert Award.objects.count() == 1


def test_an_offer_ends_with_its_expiry(desk: Desk):
    offer = desk.offered()
    clock.set_simulated(desk.world.day.starts()[72] - timedelta(minutes=15))
    desk.send(desk.order(offer))
    assert desk.last("FlexOrderResponse").rejection_reason == "Reference message expired"


def test_a_revoked_offer_is_gone_and_the_revocation_wins_over_a_crossing_order(desk: Desk):
    offer = desk.offered()
    order = desk.order(offer)
    operations.revoke_bid(bid=Bid.objects.get(), at=clock.now(), actor="test")
    desk.send(order)
    assert desk.last("FlexOrderResponse").rejection_reason == "Reference message revoked"
    revocation = desk.last("FlexOfferRevocation")
    assert revocation.flex_offer_message_id == offer.message_id
    desk.send(FlexOfferRevocationResponse(flex_offer_revocation_message_id=revocation.message_id))
    assert OutMessage.objects.get(kind="FlexOfferRevocation").result == "Accepted"


def test_an_offer_is_revoked_only_once_it_was_acknowledged(desk: Desk):
    desk.send(desk.request())
    desk.answer()
    operations.revoke_bid(bid=Bid.objects.get(), at=clock.now(), actor="test")
    desk.work()
    assert desk.count("FlexOfferRevocation") == 0


@pytest.mark.django_db(transaction=True)
def test_a_bid_withdrawn_while_its_offer_is_made_is_revoked_too(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    keep = Offer.objects.get_or_create

    def withdraw() -> None:
        operations.revoke_bid(bid=Bid.objects.get(), at=clock.now(), actor="test")
        connection.close()

    thread = threading.Thread(target=withdraw)

    def slow(*args, **fields):
        thread.start()
        thread.join(0.5)  # whoever ends the bid now has to wait until the offer is there
        return keep(*args, **fields)

    monkeypatch.setattr(Offer.objects, "get_or_create", slow)
    desk.send(desk.request())
    desk.answer()
    thread.join(10)
    assert (Bid.objects.get().state, Offer.objects.get().state) == ("WITHDRAWN", "REVOKED")
    offer = desk.last("FlexOffer")
    desk.send(FlexOfferResponse(flex_offer_message_id=offer.message_id))
    Job.objects.filter(state="PENDING").update(run_after=jobs.wall_now())  # the revocation waited for that answer
    desk.work()
    assert desk.last("FlexOfferRevocation").flex_offer_message_id == offer.message_id


def test_an_ordered_offer_cannot_be_revoked(desk: Desk):
    desk.send(desk.order(desk.offered()))
    with pytest.raises(WrongState, match="CLEARED"):
        operations.revoke_bid(bid=Bid.objects.get(), at=clock.now(), actor="test")


def test_a_rejected_offer_frees_its_kilowatts(desk: Desk):
    desk.send(desk.request())
    desk.answer()
    offer = desk.last("FlexOffer")
    desk.send(
        FlexOfferResponse(
            flex_offer_message_id=offer.message_id, result=AcceptedRejected.REJECTED, rejection_reason="too dear"
        )
    )
    assert Bid.objects.get().state == "REJECTED"
    desk.send(desk.order(offer))
    assert desk.last("FlexOrderResponse").rejection_reason == "Reference message rejected"
    assert desk.offered().offer_options


def test_eight_requests_for_the_same_10_kw_never_sell_more(desk: Desk):
    for revision in range(1, 9):
        desk.put(desk.seal(desk.request(revision=revision)))
    desk.work()
    desk.answer()
    offers = [one for one in desk.sent if type(one).__name__ == "FlexOffer"]
    total = [
        sum(isp.power for one in offers for isp in one.offer_options[0].isps if isp.start == n) for n in range(73, 77)
    ]
    assert min(total) >= -10_000
    for offer in offers:
        desk.send(desk.order(offer))
    assert sum(award.up_kw[72] for award in Award.objects.all()) == 10.0
    assert book_check(desk.world.day.date) == []


@pytest.mark.parametrize(("day", "count"), [(date(2016, 3, 27), 92), (date(2016, 10, 30), 100)])
def test_clock_change_days_have_their_own_isps(db, monkeypatch, at, day, count):
    desk = make_desk(day, at.replace(month=day.month, day=day.day - 1, hour=8))
    monkeypatch.setattr(requests, "post", desk.post)
    desk.send(desk.request(numbers=range(count + 1, count + 2)))
    assert desk.last("FlexRequestResponse").rejection_reason == "ISPs out of bounds"
    offer = desk.offered(numbers=range(count - 3, count + 1))
    assert [one.start for one in offer.offer_options[0].isps] == list(range(count - 3, count + 1))
    desk.send(desk.order(offer))
    assert len(Award.objects.get().up_kw) == count
    assert len(desk.last("DPrognosis").isps) == count


def test_an_offer_nobody_asked_for_can_be_ordered(desk: Desk):
    from vpp.uftp.reports import offer_unasked

    quantity_kw = [0.0] * 96
    quantity_kw[72:76] = [6.0] * 4
    offer_unasked(desk.world.point, desk.world.day.date, direction="UP", quantity_kw=quantity_kw, at=clock.now())
    desk.answer()
    offer = desk.last("FlexOffer")
    assert (offer.unsolicited, offer.flex_request_message_id) == (True, None)
    desk.send(FlexOfferResponse(flex_offer_message_id=offer.message_id))
    desk.send(desk.order(offer))
    assert Award.objects.get().up_kw[72] == 6.0


def contract(desk: Desk, power_kw: float = 8.0) -> FlexContract:
    return FlexContract.objects.create(
        contract_id="C-1",
        utility=desk.world.utility,
        congestion_point=desk.world.point,
        direction="UP",
        power_kw=power_kw,
        price_per_mwh=200.0,
        first_date=date(2016, 1, 1),
    )


def direct(desk: Desk, power: int, price: str, **fields) -> FlexOrder:
    defaults = {
        "isp_duration": XmlDuration("PT15M"),
        "time_zone": "Europe/Berlin",
        "period": XmlDate.from_date(desk.world.day.date),
        "congestion_point": desk.world.point.code,
        "unsolicited": True,
        "contract_id": "C-1",
        "price": Decimal(price),
        "currency": "EUR",
        "order_reference": f"direct-{power}-{price}",
        "isps": [FlexOrderISP(power=power, start=73, duration=4)],
    }
    return FlexOrder(**(defaults | fields))


def test_a_direct_order_under_a_contract_is_taken(desk: Desk):
    contract(desk)
    desk.send(direct(desk, -8000, "1.6"))
    assert desk.last("FlexOrderResponse").result == AcceptedRejected.ACCEPTED
    assert Award.objects.get().up_kw[72:76] == [8.0] * 4
    assert desk.count("FlexOffer") == 0


@pytest.mark.parametrize(
    ("power", "price", "change", "reason"),
    [
        (-8000, "1.5", {}, "Price mismatch"),
        (8000, "1.6", {}, "Power mismatch"),
        (-9000, "1.8", {}, "Power mismatch"),
        (-8000, "1.6", {"contract_id": None}, "Unknown ContractID reference"),
        (-8000, "1.6", {"contract_id": "C-2"}, "Unknown ContractID reference"),
        (-8000, "1.6", {"period": XmlDate(2016, 7, 12)}, "Period out of bounds"),
    ],
)
def test_a_direct_order_outside_its_contract_is_rejected(desk: Desk, power, price, change, reason):
    contract(desk)
    desk.send(direct(desk, power, price, **change))
    assert desk.last("FlexOrderResponse").rejection_reason.startswith(reason)
    assert not Ask.objects.exists()


def test_a_direct_order_of_what_is_sold_already_is_rejected_and_leaves_nothing(desk: Desk):
    contract(desk)
    desk.send(direct(desk, -8000, "1.6"))
    asks = Ask.objects.count()
    desk.send(direct(desk, -8000, "1.6", order_reference="once more"))
    assert desk.last("FlexOrderResponse").result == AcceptedRejected.REJECTED
    assert (Ask.objects.count(), Award.objects.count()) == (asks, 1)


def test_direct_orders_take_from_the_power_and_the_energy_of_the_contract(desk: Desk):
    made = contract(desk, power_kw=6.0)
    made.energy_limit_kwh = 7.0
    made.save()
    desk.send(direct(desk, -4000, "0.8", order_reference="1"))  # 4 kWh
    assert desk.last("FlexOrderResponse").result == AcceptedRejected.ACCEPTED
    desk.send(direct(desk, -4000, "0.8", order_reference="2"))  # 2 kW are left in these intervals
    assert desk.last("FlexOrderResponse").rejection_reason.startswith("Power mismatch")
    later = [FlexOrderISP(power=-4000, start=81, duration=4)]
    desk.send(direct(desk, -4000, "0.8", order_reference="3", isps=later))  # 3 kWh are left
    assert desk.last("FlexOrderResponse").rejection_reason.startswith("Power mismatch")
    later = [FlexOrderISP(power=-3000, start=81, duration=4)]
    desk.send(direct(desk, -3000, "0.6", order_reference="4", isps=later))
    assert desk.last("FlexOrderResponse").result == AcceptedRejected.ACCEPTED


def test_a_request_under_a_contract_is_offered_up_to_its_energy(desk: Desk):
    made = contract(desk)
    made.energy_limit_kwh = 5.0
    made.save()
    offer = desk.offered(contract_id="C-1")  # 8 kW for an hour would be 8 kWh
    powers = [one.power for one in offer.offer_options[0].isps]
    assert powers[:2] == [-8000, -8000]
    assert sum(powers) / 4 == -5000


def update(desk: Desk, power: int) -> FlexReservationUpdate:
    return FlexReservationUpdate(
        isp_duration=XmlDuration("PT15M"),
        time_zone="Europe/Berlin",
        period=XmlDate.from_date(desk.world.day.date),
        congestion_point=desk.world.point.code,
        contract_id="C-1",
        reference="R-1",
        isps=[FlexReservationUpdateISP(power=power, start=73, duration=4)],
    )


def test_a_reservation_is_only_lowered_and_bounds_what_is_offered(desk: Desk):
    contract(desk)
    desk.send(update(desk, -9000))
    assert desk.last("FlexReservationUpdateResponse").rejection_reason == "Power mismatch"
    desk.send(update(desk, -3000))
    assert Reservation.objects.get().reserved_kw[71:77] == [8.0, 3.0, 3.0, 3.0, 3.0, 8.0]
    desk.send(update(desk, -4000))
    assert desk.last("FlexReservationUpdateResponse").result == AcceptedRejected.REJECTED
    offer = desk.offered(contract_id="C-1")
    assert {one.power for one in offer.offer_options[0].isps} == {-3000}
    assert offer.contract_id == "C-1"


def test_a_bid_below_the_least_power_asked_is_taken_back(desk: Desk):
    isps = [
        FlexRequestISP(disposition="Requested", min_power=-30_000, max_power=-20_000, start=n) for n in range(73, 77)
    ]
    desk.send(desk.request(isps=isps))
    desk.answer()
    assert desk.count("FlexOffer") == 0
    assert Bid.objects.get().state == "WITHDRAWN"


def test_two_long_order_references_that_begin_alike_are_two_orders(desk: Desk):
    offers = [desk.offered(numbers=numbers, power=-4_000) for numbers in (range(73, 75), range(77, 79))]
    for number, offer in enumerate(offers):
        desk.send(desk.order(offer, order_reference="o" * 190 + str(number)))
        assert desk.last("FlexOrderResponse").result == AcceptedRejected.ACCEPTED
    assert {len(award.source_reference) for award in Award.objects.all()} == {160}
    too_long = desk.order(offers[0], order_reference="o" * 201)
    desk.send(too_long)
    assert "OrderReference is longer than 200" in desk.reason(too_long)
