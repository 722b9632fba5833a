"""A grid operator that trades over UFTP, in a process of its own: the reference library's service and client.

    python -m vpp.simulation.uftp_dso --domain dso.example --port 8091 --key PRIVATE --agr-domain agr.vpp.example \\
        --agr-endpoint http://127.0.0.1:8000/shapeshifter/api/v3/message --agr-key PUBLIC

Every line it reads is an inner message as XML, without the fields that the library fills in; it is sealed and sent.
Every line it writes is a JSON object: {"event": "ready" | "sent" | "received", ...}. It accepts every offer, and with
--order it orders the first option of each.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from typing import Any

OPTIONS = ("domain", "key", "agr-domain", "agr-endpoint", "agr-key")
ONLY_TOLD = (
    "process_test_message_response", "process_flex_request_response", "process_flex_order_response",
    "process_flex_reservation_update_response", "process_flex_settlement_response",
)  # fmt: skip


def keypair(secret: str = "") -> tuple[str, str]:
    """(private, public) in base64: new ones, or always those that come of a secret."""
    from nacl.bindings import crypto_sign_keypair, crypto_sign_seed_keypair

    seed = sha256(secret.encode()).digest()
    public, private = crypto_sign_seed_keypair(seed) if secret else crypto_sign_keypair()
    return b64encode(private).decode(), b64encode(public).decode()


class PlainApp:
    """In place of the library's FastAPI, whose newer versions its XML routes do not work with: one route, raw XML."""

    def __init__(self, **options: Any) -> None:
        self.router = self
        self.route_class: Any = None
        self._app: Any = None

    def add_api_route(self, path: str, *, endpoint: Callable[[Any], Any], **options: Any) -> None:
        from shapeshifter_uftp import transport
        from starlette.applications import Starlette
        from starlette.concurrency import run_in_threadpool
        from starlette.requests import Request
        from starlette.routing import Route

        async def receive(request: Request) -> Any:
            envelope = transport.from_xml(await request.body())
            return await run_in_threadpool(endpoint, envelope)

        receive.__annotations__ = {}
        self._app = Starlette(routes=[Route(path, receive, methods=["POST"])])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


class OneAtATime:
    """The library's parser in turns: after an import it indexes its classes anew and knows none of them meanwhile."""

    def __init__(self, parser: Any) -> None:
        self._parser, self._turn = parser, threading.Lock()

    def from_bytes(self, data: bytes) -> Any:
        with self._turn:
            return self._parser.from_bytes(data)

    def from_string(self, text: str) -> Any:
        return self.from_bytes(text.encode())


_telling = threading.Lock()  # answers come in threads of their own; a line must stay one line


def tell(event: str, **facts: Any) -> None:
    with _telling:
        sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
        sys.stdout.flush()


def order_of(message: Any) -> Any:
    """The FlexOrder that takes an offer's first option as a whole."""
    from shapeshifter_uftp.uftp import FlexOrder, FlexOrderISP

    option = message.offer_options[0]
    return FlexOrder(
        isp_duration=message.isp_duration,
        time_zone=message.time_zone,
        period=message.period,
        congestion_point=message.congestion_point,
        flex_offer_message_id=message.message_id,
        conversation_id=message.conversation_id,
        option_reference=option.option_reference,
        price=option.price,
        currency=message.currency,
        order_reference=f"order-{message.message_id}",
        activation_factor=Decimal("1.00"),
        isps=[FlexOrderISP(power=one.power, start=one.start, duration=one.duration) for one in option.isps],
    )


def service_class(order: bool) -> type:
    """The library's DSO service with its message handlers filled in."""
    from shapeshifter_uftp import transport, uftp
    from shapeshifter_uftp.service import base_service
    from shapeshifter_uftp.service.dso_service import ShapeshifterDsoService
    from uvicorn.config import LOGGING_CONFIG

    base_service.FastAPI = PlainApp
    LOGGING_CONFIG["handlers"]["access"]["stream"] = "ext://sys.stderr"  # the standard output is for our lines

    class Dso(ShapeshifterDsoService):
        def _told(self, message: Any) -> None:
            tell("received", kind=type(message).__name__, xml=transport.to_xml(message))

        def _answer(self, message: Any, answer: Any) -> None:
            """Tell, and post the answer in the message's conversation and version."""
            self._told(message)
            answer.conversation_id = message.conversation_id
            self._get_client(message.sender_domain, "AGR", message.version)._send_message(answer)

        def process_flex_offer(self, message: Any) -> None:
            self._answer(message, uftp.FlexOfferResponse(flex_offer_message_id=message.message_id))
            if order:
                client = self._get_client(message.sender_domain, "AGR", message.version)
                client.send_flex_order(order_of(message))

        def process_flex_offer_revocation(self, message: Any) -> None:
            reference = message.message_id
            self._answer(message, uftp.FlexOfferRevocationResponse(flex_offer_revocation_message_id=reference))

        def process_d_prognosis(self, message: Any) -> None:
            self._answer(message, uftp.DPrognosisResponse(d_prognosis_message_id=message.message_id))

        def process_metering(self, message: Any) -> None:
            self._answer(message, uftp.MeteringResponse(metering_message_id=message.message_id))

        def process_test_message(self, message: Any, sender_role: Any) -> None:
            self._told(message)
            super().process_test_message(message, sender_role)

    for name in ONLY_TOLD:
        setattr(Dso, name, Dso._told)
    Dso.__abstractmethods__ = frozenset()
    return Dso


def make_service(options: argparse.Namespace) -> Any:
    return service_class(options.order)(
        options.domain,
        options.key,
        key_lookup_function=lambda domain, role: options.agr_key,
        endpoint_lookup_function=lambda domain, role: options.agr_endpoint,
        host="127.0.0.1",
        port=options.port,
    )


def send_lines(service: Any, agr_domain: str) -> None:
    """Seal and send each message that comes in on the standard input, several at once where they come at once."""
    from shapeshifter_uftp import transport
    from shapeshifter_uftp.exceptions import ClientTransportException

    def send(line: str) -> None:
        status, text, message = 200, "", None
        try:
            message = transport.from_xml(line)
            service._get_client(agr_domain, "AGR", message.version or "3.1.0")._send_message(message)
        except ClientTransportException as error:
            status, text = error.response.status_code, error.response.text
        except Exception as error:  # whatever it is, the other side wants to read it
            status, text = 0, f"{type(error).__name__}: {error}"
        tell("sent", message_id=getattr(message, "message_id", None), status=status, text=text)

    for line in sys.stdin:
        if line.strip():
            threading.Thread(target=send, args=[line], daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in OPTIONS:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--order", action="store_true")
    options = parser.parse_args()
    from shapeshifter_uftp import transport

    transport.parser = OneAtATime(transport.parser)
    with make_service(options) as service:
        tell("ready")
        send_lines(service, options.agr_domain)


if __name__ == "__main__":
    main()
