"""The session with the broker: QoS 1, acknowledged only after the commit, kept by the broker when we are gone.

One thread does all: it receives, the caller stores, it acknowledges. While a batch is stored the broker's next
messages wait in the socket, which is all the buffering that a gateway needs.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlparse

from telemetry.gateway import packets
from telemetry.gateway.packets import BrokenProtocol, Message
from telemetry.protocols.bounds import MAX_BODY_BYTES
from telemetry.protocols.mqtt_messages import SUBSCRIPTIONS

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT = 20_000  # messages that the broker may send before we have acknowledged the first
SESSION_S = 7 * 86_400  # so long the broker keeps what we have not acknowledged
KEEP_ALIVE_S = 60
ANSWER_S = 10.0  # for the broker to take a connection or a piece of data
RECEIVE_BYTES = 1 << 20
LARGEST_PACKET = MAX_BODY_BYTES + (1 << 17)  # body, topic and properties; the broker keeps larger ones to itself
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass
class Arrived:
    """Messages of one connection; only on that one they can be acknowledged."""

    connection: int
    messages: list[Message] = field(default_factory=list)


class Session:
    """One member of a group that shares the subscription. Its client id must be its own and stay the same."""

    def __init__(self, url: str, *, client_id: str, group: str, pause: Callable[[float], object] = time.sleep) -> None:
        self.url = urlparse(url)
        if self.url.scheme not in ("mqtt", "mqtts") or not self.url.hostname:
            raise ValueError(f"want mqtt://host:port or mqtts://user:password@host:port, got {url!r}")
        self.name = f"gateway {client_id}"
        self.connection = 0  # counts the connections of this session
        self._client_id, self._group, self._pause = client_id, group, pause
        self._socket: socket.socket | None = None
        self._rest = b""
        self._failures = 0
        self._keep_alive_s = KEEP_ALIVE_S
        self._sent_at = self._heard_at = 0.0

    def receive(self, timeout_s: float) -> Arrived:
        """What has come, connecting first where there is no connection; nothing if none came within the time.

        A lost connection is told to nobody: what it had brought and is not acknowledged comes again over the next.
        """
        try:
            if self._socket is None:
                self._connect()
            return self._read(timeout_s)
        except (OSError, BrokenProtocol) as error:
            self._lose(error)
            return Arrived(self.connection)

    def acknowledge(self, arrived: Arrived) -> None:
        """Tell the broker that these are stored. Those of a lost connection it has sent or will send again."""
        if self._socket is None or arrived.connection != self.connection:
            return
        try:
            self._send(packets.acknowledgements(arrived.messages))
        except OSError as error:
            self._lose(error)

    def stay(self) -> None:
        """Let the broker know that we are there, if it has not heard us for a while."""
        if self._socket is None or time.monotonic() - self._sent_at < self._keep_alive_s / 3:
            return
        try:
            self._send(packets.PINGREQ)
        except OSError as error:
            self._lose(error)

    def close(self) -> None:
        """Leave; what is not acknowledged comes again at the next start."""
        if self._socket is None:
            return
        try:
            self._send(packets.LEAVE)
        except OSError as error:
            logger.info("the broker was gone before we left: %s", error)
        self._socket.close()
        self._socket = None

    def _read(self, timeout_s: float) -> Arrived:
        assert self._socket is not None
        self.stay()
        arrived = Arrived(self.connection)
        if self._socket is None:
            return arrived
        self._socket.settimeout(timeout_s)
        try:
            received = self._socket.recv(RECEIVE_BYTES)
        except (TimeoutError, ssl.SSLWantReadError):
            if time.monotonic() - self._heard_at > 1.5 * self._keep_alive_s:
                raise OSError("the broker does not answer") from None
            return arrived
        if not received:
            raise OSError("the broker closed the connection")
        self._heard_at = time.monotonic()
        found = packets.parse(self._rest + received if self._rest else received)
        self._rest, arrived.messages = found.rest, found.messages
        for kind, body in found.others:
            self._take(kind, body)
        return arrived

    def _take(self, kind: int, body: bytes) -> None:
        if kind == packets.SUBACK and (codes := packets.refused_topics(body)):
            raise OSError(f"the broker refuses the subscription: reason {codes[0]:#04x}")
        if kind == packets.DISCONNECT:
            raise OSError(f"the broker sends us away: reason {body[:1].hex() or '00'}")
        if kind not in (packets.SUBACK, packets.PINGRESP):
            raise BrokenProtocol(f"a packet of type {kind}")

    def _send(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.settimeout(ANSWER_S)
        self._socket.sendall(data)
        self._sent_at = time.monotonic()

    def _connect(self) -> None:
        port = self.url.port or (8883 if self.url.scheme == "mqtts" else 1883)
        raw = socket.create_connection((str(self.url.hostname), port), timeout=ANSWER_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = raw
        if self.url.scheme == "mqtts":
            context = ssl.create_default_context()
            self._socket = context.wrap_socket(raw, server_hostname=self.url.hostname)
        self._rest, self._keep_alive_s = b"", KEEP_ALIVE_S
        self._send(
            packets.connect(
                self._client_id,
                unquote(self.url.username) if self.url.username else None,
                unquote(self.url.password) if self.url.password else None,
                keep_alive_s=KEEP_ALIVE_S,
                session_s=SESSION_S,
                in_flight=MOST_IN_FLIGHT,
                largest=LARGEST_PACKET,
            )
        )
        answer = self._connack()
        if answer.reason >= packets.FAILURE:
            raise OSError(f"the broker refuses us: reason {answer.reason:#04x}")
        self._keep_alive_s = answer.keep_alive_s or KEEP_ALIVE_S
        self._send(packets.subscribe(1, [f"$share/{self._group}/{topic}" for topic in SUBSCRIPTIONS]))
        self._heard_at, self._failures = time.monotonic(), 0
        logger.info("connected to the broker, session kept: %s", answer.session_kept)

    def _connack(self) -> packets.Connected:
        """The broker's answer; what follows it in the same piece of data stays for `_read`."""
        assert self._socket is not None
        received = b""
        while (packet := packets.first(received)) is None:
            piece = self._socket.recv(4096)
            if not piece:
                raise OSError("the broker closed the connection")
            received += piece
        kind, body, self._rest = packet
        if kind != packets.CONNACK:
            raise BrokenProtocol(f"a packet of type {kind} for a CONNACK")
        return packets.connected(body)

    def _lose(self, error: Exception) -> None:
        """The connection is gone; wait a little, longer each time that it cannot be had again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.connection += 1
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        logger.warning("no connection to the broker, again in %.1f s: %s", pause_s, error)
        self._pause(pause_s)
