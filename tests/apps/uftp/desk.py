"""A grid operator's desk for tests: seals messages with the reference library, posts them, reads what comes back."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.test import Client
from shapeshifter_uftp import transport
from shapeshifter_uftp.uftp import (
    FlexOfferResponse,
    FlexOrder,
    FlexOrderISP,
    FlexRequest,
    FlexRequestISP,
    SignedMessage,
    UsefRole,
)
from xsdata.models.datatype import XmlDate, XmlDuration

from tests.apps.bidding.world import World, make_world
from vpp.enrollment.models import Device
from vpp.jobs import operations as jobs
from vpp.lib import clock
from vpp.simulation.uftp_dso import keypair
from vpp.uftp.address_book import Entry, add_counterparty
from vpp.uftp.models import Counterparty, InMessage, OutMessage

URL = "/shapeshifter/api/v3/message"
US, THEM = "agr.vpp.example", "dso.example"
ENDPOINT = "https://dso.example/shapeshifter/api/v3/message"


@dataclass
class Reply:
    status_code: int = 200
    text: str = ""


@dataclass
class Desk:
    """`sent`: the inner messages that reached the operator, oldest first."""

    world: World
    counterparty: Counterparty
    private_key: str
    reply: Reply = field(default_factory=Reply)
    sent: list[Any] = field(default_factory=list)

    def post(self, url: str, data: Any = None, **options: Any) -> Reply:
        """In place of requests.post: takes what we send."""
        if self.reply.status_code == 200:
            envelope = transport.from_xml(data)
            self.sent.append(transport.from_xml(envelope.body[64:]))
        return self.reply

    def seal(self, message: Any, *, role: str = "DSO", sender: str = THEM, key: str = "") -> bytes:
        message.version = message.version or "3.1.0"
        message.sender_domain = message.sender_domain or THEM
        message.recipient_domain = message.recipient_domain or US
        message.time_stamp = message.time_stamp or datetime.now(UTC).isoformat(timespec="seconds")
        message.message_id = message.message_id or str(uuid4())
        message.conversation_id = message.conversation_id or str(uuid4())
        body = transport.seal_message(message, key or self.private_key)
        return transport.to_xml(SignedMessage(sender_domain=sender, sender_role=UsefRole(role), body=body)).encode()

    def put(self, data: bytes, content_type: str = "text/xml; charset=utf-8") -> Any:
        return Client().post(URL, data=data, content_type=content_type)

    def send(self, message: Any, **options: Any) -> int:
        """Post a message and let the service work on it; the HTTP status."""
        status = self.put(self.seal(message, **options)).status_code
        self.work()
        return int(status)

    def work(self) -> None:
        jobs.run_pending()

    def last(self, kind: str) -> Any:
        """The last message of a class that reached the operator."""
        return next(one for one in reversed(self.sent) if type(one).__name__ == kind)

    def count(self, kind: str) -> int:
        return sum(type(one).__name__ == kind for one in self.sent)

    def reason(self, message: Any) -> str:
        return InMessage.objects.get(message_id=message.message_id).reason

    def request(self, power: int = -10_000, numbers: range = range(73, 77), **fields: Any) -> FlexRequest:
        """Wants 10 kW less in four quarter hours of the evening."""
        low, high = min(power, 0), max(power, 0)
        defaults: dict[str, Any] = {
            "isp_duration": XmlDuration("PT15M"),
            "time_zone": "Europe/Berlin",
            "period": XmlDate.from_date(self.world.day.date),
            "congestion_point": self.world.point.code,
            "revision": 1,
            "expiration_date_time": (clock.now() + timedelta(hours=2)).isoformat(),
            "isps": [FlexRequestISP(disposition="Requested", min_power=low, max_power=high, start=n) for n in numbers],
        }
        return FlexRequest(**(defaults | fields))

    def answer(self) -> None:
        """The service bids on what waits, and offers it."""
        from bidding.distribution.answering import answer_feeder

        day = self.world.day.date
        answer_feeder(feeder_code=self.world.point.feeder.code, delivery_date=day, at=clock.now())
        self.work()

    def offered(self, **fields: Any) -> Any:
        """A FlexOffer on a fresh request, accepted by the operator."""
        self.send(self.request(**fields))
        self.answer()
        offer = self.last("FlexOffer")
        self.send(FlexOfferResponse(flex_offer_message_id=offer.message_id))
        return offer

    def order(self, offer: Any, *, factor: str = "1.00", option: int = 0, **fields: Any) -> FlexOrder:
        chosen = offer.offer_options[option]
        share = Decimal(factor)
        defaults: dict[str, Any] = {
            "isp_duration": offer.isp_duration,
            "time_zone": offer.time_zone,
            "period": offer.period,
            "congestion_point": offer.congestion_point,
            "flex_offer_message_id": offer.message_id,
            "option_reference": chosen.option_reference,
            "price": (chosen.price * share).quantize(Decimal("0.0001")),
            "currency": "EUR",
            "order_reference": f"order-{uuid4()}",
            "activation_factor": share,
            "isps": [
                FlexOrderISP(power=round(one.power * share), start=one.start, duration=one.duration)
                for one in chosen.isps
            ],
        }
        return FlexOrder(**(defaults | fields))


def make_desk(delivery_date: Any, at: datetime, **fleet: Any) -> Desk:
    """A zone with one battery of 10 kW behind the operator's congestion point, seen at `at`."""
    clock.set_simulated(at)
    world = make_world(delivery_date, at, **({"batteries": 1, "heat_pumps": 0} | fleet))
    # 10 kW after the share that is offered of a battery's rating, and half full for more than an hour of it.
    Device.objects.update(energy_capacity_kwh=40.0, max_consumption_kw=10.6, max_production_kw=10.6)
    private, public = keypair()
    entry = Entry(THEM, "DSO", world.utility.code, ENDPOINT, public)
    return Desk(world, add_counterparty(entry, at=at, actor="test"), private)


def other_key() -> str:
    return keypair()[0]


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def pending() -> int:
    return OutMessage.objects.filter(state=OutMessage.State.PENDING).count()
