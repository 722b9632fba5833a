"""The reference library as a grid operator, in a process of its own, trades with the running service over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from shapeshifter_uftp import transport
from shapeshifter_uftp.uftp import (
    FlexOrder,
    FlexOrderISP,
    FlexRequest,
    FlexRequestISP,
    FlexReservationUpdate,
    FlexReservationUpdateISP,
    TestMessage,
)
from xsdata.models.datatype import XmlDate, XmlDuration

from bidding import operations
from bidding.models import Award, Bid, FlexContract
from bidding.queries import book_check
from tests.apps.bidding.world import World, make_world
from tests.processes import wait_until
from tests.servers import free_port
from vpp.enrollment.models import Device
from vpp.jobs import relay
from vpp.jobs.models import Job
from vpp.jobs.web import WebServer
from vpp.lib.periods import DeliveryDay
from vpp.simulation.uftp_dso import keypair
from vpp.uftp.address_book import Entry, add_counterparty
from vpp.uftp.keys import own_key
from vpp.uftp.models import Offer

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 150
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(seconds=60)]


@dataclass
class Operator:
    """The other process: messages go in as XML lines, what it sent and got comes out as JSON lines."""

    process: subprocess.Popen[str]
    world: World
    events: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # JSON all of them; others would end the reading and the test
            self.events.append(json.loads(line))

    def send(self, message: Any) -> Any:
        message.message_id = message.message_id or str(uuid4())
        message.conversation_id = message.conversation_id or str(uuid4())
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(transport.to_xml(message).splitlines()) + "\n")
        self.process.stdin.flush()
        return message

    def got(self, kind: str) -> list[Any]:
        told = [event for event in self.events if event["event"] == "received" and event["kind"] == kind]
        return [transport.from_xml(event["xml"]) for event in told]

    def sent(self, message: Any) -> list[dict[str, Any]]:
        told = [event for event in self.events if event["event"] == "sent"]
        return [event for event in told if event["message_id"] == message.message_id]

    def wait(self, kind: str, condition: Callable[[Any], bool] = lambda message: True) -> Any:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for message in self.got(kind):
                if condition(message):
                    return message
            time.sleep(0.05)
        raise AssertionError(f"no {kind} came; {self.events[-5:]}")

    def answer_to(self, message: Any) -> Any:
        """The response in the message's conversation."""
        kind = f"{type(message).__name__}Response"
        return self.wait(kind, lambda got: message.message_id in vars(got).values())

    def request(self, day: DeliveryDay, numbers: range, power: int = -10_000, **fields: Any) -> FlexRequest:
        isps = [FlexRequestISP(disposition="Requested", min_power=power, max_power=0, start=n) for n in numbers]
        defaults: dict[str, Any] = {
            "isp_duration": XmlDuration("PT15M"),
            "time_zone": day.zone,
            "period": XmlDate.from_date(day.date),
            "congestion_point": self.world.point.code,
            "revision": 1,
            "expiration_date_time": (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds"),
            "isps": isps,
        }
        return FlexRequest(**(defaults | fields))

    def offer_on(self, request: FlexRequest) -> Any:
        self.send(request)
        assert self.answer_to(request).result == "Accepted"
        return self.wait("FlexOffer", lambda offer: offer.flex_request_message_id == request.message_id)

    def order(self, offer: Any, **fields: Any) -> FlexOrder:
        option = offer.offer_options[0]
        defaults: dict[str, Any] = {
            "isp_duration": offer.isp_duration,
            "time_zone": offer.time_zone,
            "period": offer.period,
            "congestion_point": offer.congestion_point,
            "flex_offer_message_id": offer.message_id,
            "option_reference": option.option_reference,
            "price": option.price,
            "currency": offer.currency,
            "order_reference": str(uuid4()),
            "isps": [FlexOrderISP(power=one.power, start=one.start, duration=one.duration) for one in option.isps],
        }
        return FlexOrder(**(defaults | fields))


def nothing_to_do() -> bool:
    """Everything that was received is worked on, and everything that came of it is sent."""
    unfinished = Job.objects.filter(state__in=(Job.State.PENDING, Job.State.LEASED))
    return not unfinished.filter(run_after__lte=datetime.now(UTC)).exists()


@pytest.fixture
def operator(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """Service and operator, both running, for a delivery day after tomorrow by the real clock."""
    now = datetime.now(UTC)
    world = make_world(now.date() + timedelta(days=2), now, batteries=1, heat_pumps=0)
    Device.objects.update(energy_capacity_kwh=80.0, max_consumption_kw=10.6, max_production_kw=10.6)
    private, public = keypair()
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}/shapeshifter/api/v3/message"
    add_counterparty(Entry("dso.example", "DSO", world.utility.code, endpoint, public), at=now, actor="test")
    with relay.embedded(), WebServer("127.0.0.1:0") as server:
        words = ["--domain", "dso.example", "--port", str(port), "--key", private, "--agr-domain", "agr.vpp.example"]
        words += [
            "--agr-endpoint",
            f"{server.url}/shapeshifter/api/v3/message",
            "--agr-key",
            own_key(at=now).public_key,
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "vpp.simulation.uftp_dso", *words],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        made = Operator(process, world)
        threading.Thread(target=made.read, daemon=True).start()
        try:
            wait_until(lambda: bool(made.events), timeout_s=WAIT_S)
            assert made.events[0]["event"] == "ready"
            yield made
        finally:
            process.terminate()
            process.wait(timeout=60)


def test_a_grid_operator_trades_with_the_running_service(operator: Operator):
    day = operator.world.day
    operator.send(TestMessage())
    operator.wait("TestMessageResponse")
    offer = operator.offer_on(operator.request(day, range(73, 77)))
    assert {one.power for one in offer.offer_options[0].isps} == {-10_000}
    wrong = operator.send(operator.order(offer, price=Decimal("0.0001")))
    assert operator.answer_to(wrong).rejection_reason == "Price mismatch"
    order = operator.send(operator.order(offer))
    assert operator.answer_to(order).result == "Accepted"
    assert operator.wait("DPrognosis").isps[72].power == -10_000
    operator.send(order)  # a replay: 200, and nothing happens
    wait_until(lambda: [event["status"] for event in operator.sent(order)] == [200, 200])
    wait_until(nothing_to_do)
    assert Award.objects.count() == 1
    other = operator.send(operator.order(offer, message_id=order.message_id))
    assert operator.wait("FlexOrderResponse", lambda got: got.rejection_reason == "Duplicate Identifier")
    assert Award.objects.get().uftp_order.order_reference != other.order_reference
    _revocation(operator)
    _unsolicited(operator)
    _under_contract(operator)
    assert book_check(day.date) == []


def _revocation(operator: Operator) -> None:
    offer = operator.offer_on(operator.request(operator.world.day, range(20, 24)))
    bid = Bid.objects.get(uftp_offer__message__message_id=offer.message_id)
    wait_until(lambda: Bid.objects.filter(pk=bid.pk, state="ACKNOWLEDGED").exists())
    bid.refresh_from_db()
    operations.revoke_bid(bid=bid, at=datetime.now(UTC), actor="test")
    operator.wait("FlexOfferRevocation", lambda got: got.flex_offer_message_id == offer.message_id)
    late = operator.send(operator.order(offer))
    assert operator.answer_to(late).rejection_reason == "Reference message revoked"


def _unsolicited(operator: Operator) -> None:
    words = [operator.world.point.code, "--date", operator.world.day.date.isoformat(), "--isps", "30-31", "--kw", "5"]
    call_command("uftp", "offer", *words)
    offer = operator.wait("FlexOffer", lambda got: bool(got.unsolicited))
    order = operator.send(operator.order(offer))
    assert operator.answer_to(order).result == "Accepted"


def _under_contract(operator: Operator) -> None:
    day, point = operator.world.day, operator.world.point
    FlexContract.objects.create(
        contract_id="C-1", utility=operator.world.utility, congestion_point=point, direction="UP", power_kw=6.0,
        price_per_mwh=100.0, first_date=date(2020, 1, 1),
    )  # fmt: skip
    facts = {
        "isp_duration": XmlDuration("PT15M"),
        "time_zone": day.zone,
        "period": XmlDate.from_date(day.date),
        "congestion_point": point.code,
        "contract_id": "C-1",
    }
    isps = [FlexReservationUpdateISP(power=-4000, start=40, duration=2)]
    lower = operator.send(FlexReservationUpdate(reference="R", isps=isps, **facts))
    assert operator.answer_to(lower).result == "Accepted"
    for power, price, result in ((-6000, "0.3", "Rejected"), (-4000, "0.2", "Accepted")):
        order = operator.send(
            FlexOrder(
                unsolicited=True, price=Decimal(price), currency="EUR", order_reference=f"direct{power}",
                isps=[FlexOrderISP(power=power, start=40, duration=2)], **facts,
            )
        )  # fmt: skip
        assert operator.answer_to(order).result == result


def test_eight_asks_at_once_never_sell_the_same_10_kw_twice(operator: Operator):
    day = operator.world.day
    requests = [operator.request(day, range(73, 77), revision=number) for number in range(1, 9)]
    for request in requests:
        operator.send(request)
    for request in requests:
        assert operator.answer_to(request).result == "Accepted"
    operator.wait("FlexOffer")
    wait_until(nothing_to_do)
    wait_until(lambda: len(operator.got("FlexOffer")) == Offer.objects.count())
    offers = operator.got("FlexOffer")
    for isp in range(73, 77):
        assert sum(one.power for got in offers for one in got.offer_options[0].isps if one.start == isp) >= -10_000
    for offer in offers:
        operator.answer_to(operator.send(operator.order(offer)))
    assert sum(award.up_kw[72] for award in Award.objects.all()) == 10.0
    assert book_check(day.date) == []


@pytest.mark.parametrize(("month", "count"), [(3, 92), (10, 100)])
def test_clock_change_days_are_traded(operator: Operator, month, count):
    year = datetime.now(UTC).year + 1
    last = max(date(year, month, number) for number in range(25, 32) if date(year, month, number).weekday() == 6)
    day = DeliveryDay(last, operator.world.day.zone)
    assert day.n_intervals == count
    beyond = operator.send(operator.request(day, range(count + 1, count + 2)))
    assert operator.answer_to(beyond).rejection_reason == "ISPs out of bounds"
    offer = operator.offer_on(operator.request(day, range(count - 1, count + 1)))
    assert operator.answer_to(operator.send(operator.order(offer))).rejection_reason is None
    assert len(operator.wait("DPrognosis").isps) == count
