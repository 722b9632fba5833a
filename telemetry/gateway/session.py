"""The session with the broker: QoS 1, acknowledged only after the commit, kept by the broker when we are gone."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlparse

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from telemetry.protocols.mqtt_messages import SUBSCRIPTIONS

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT = 20_000  # messages that the broker may send before we have acknowledged the first
SESSION_S = 7 * 86_400  # so long the broker keeps what we have not acknowledged


@dataclass(frozen=True)
class Arrived:
    """A message and what its acknowledgement needs; `connection` counts the connections of this session."""

    topic: str
    payload: bytes
    mid: int
    connection: int


class Session:
    """One member of a group that shares the subscription. Its client id must be its own and stay the same."""

    def __init__(self, url: str, *, client_id: str, group: str) -> None:
        self.url = urlparse(url)
        if self.url.scheme not in ("mqtt", "mqtts") or not self.url.hostname:
            raise ValueError(f"want mqtt://host:port or mqtts://user:password@host:port, got {url!r}")
        self.arrived: queue.SimpleQueue[Arrived] = queue.SimpleQueue()
        self.name = f"gateway {client_id}"
        self._group = group
        self._connection = 0
        self._lock = threading.Lock()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, manual_ack=True
        )
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(min_delay=1, max_delay=10)
        if self.url.username:
            self._client.username_pw_set(unquote(self.url.username), unquote(self.url.password or ""))
        if self.url.scheme == "mqtts":
            self._client.tls_set()

    def start(self) -> None:
        """Connect, and again whenever the connection is lost; does not wait for the broker."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = MOST_IN_FLIGHT
        port = self.url.port or (8883 if self.url.scheme == "mqtts" else 1883)
        self._client.connect_async(str(self.url.hostname), port, keepalive=30, clean_start=False, properties=properties)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave; what is not acknowledged comes again at the next start."""
        self._client.disconnect()
        self._client.loop_stop()

    def acknowledge(self, messages: list[Arrived]) -> None:
        """Tell the broker that these are stored. Those of a lost connection it has sent or will send again."""
        with self._lock:
            for message in messages:
                if message.connection == self._connection:
                    self._client.ack(message.mid, 1)

    def _on_connect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            logger.error("the broker refuses us: %s", reason)
            return
        logger.info("connected to the broker, session kept: %s", flags.session_present)
        topics = [(f"$share/{self._group}/{topic}", SubscribeOptions(qos=1)) for topic in SUBSCRIPTIONS]
        client.subscribe(topics)

    def _on_disconnect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        with self._lock:
            self._connection += 1
        logger.warning("connection to the broker ended: %s", reason)

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        self.arrived.put(Arrived(message.topic, bytes(message.payload), message.mid, self._connection))
