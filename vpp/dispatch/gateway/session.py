"""The session with the broker: commands at QoS 1 with an expiry and never retained; answers at QoS 1."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any
from urllib.parse import unquote, urlparse

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from vpp.dispatch.gateway.messages import ACKS, BULK_ACKS

logger = logging.getLogger(__name__)

SESSION_S = 3600  # so long the broker keeps answers for us while we are gone
AVAILABILITY = "vpp/v1/dispatch/availability"  # retained; the last will says offline


class Session:
    """One connection; comes back by itself. `answers`: (topic, payload) as they came. told: the gateway's availability
    is kept on the broker."""

    def __init__(
        self, url: str, *, client_id: str, topics: tuple[str, ...] = (ACKS, BULK_ACKS), told: bool = True
    ) -> None:
        self.url, self.topics, self.told = urlparse(url), topics, told
        if self.url.scheme not in ("mqtt", "mqtts") or not self.url.hostname:
            raise ValueError(f"want mqtt://host:port or mqtts://user:password@host:port, got {url!r}")
        self.answers: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.connected = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(0)
        self._client.on_connect, self._client.on_disconnect = self._on_connect, self._on_disconnect
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(min_delay=1, max_delay=10)
        if told:
            self._client.will_set(AVAILABILITY, b"offline", qos=1, retain=True)
        if self.url.username:
            self._client.username_pw_set(unquote(self.url.username), unquote(self.url.password or ""))
        if self.url.scheme == "mqtts":
            self._client.tls_set()

    def start(self) -> None:
        """Connect, and again whenever the connection is lost; does not wait for the broker."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_S
        port = self.url.port or (8883 if self.url.scheme == "mqtts" else 1883)
        self._client.connect_async(str(self.url.hostname), port, keepalive=30, clean_start=False, properties=properties)
        self._client.loop_start()

    def stop(self) -> None:
        if self.told:
            self._client.publish(AVAILABILITY, b"offline", qos=1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payload: bytes, *, seconds_left: float) -> bool:
        """Hand a command to the broker, which forgets it once its time is over; False if we are not connected."""
        properties = Properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = max(int(seconds_left), 1)
        return self._client.publish(topic, payload, qos=1, properties=properties).rc == mqtt.MQTT_ERR_SUCCESS

    def send_now(self, topic: str, payload: bytes) -> bool:
        """Once, at QoS 0: what is worth nothing a few seconds later."""
        return self._client.publish(topic, payload, qos=0).rc == mqtt.MQTT_ERR_SUCCESS

    def _on_connect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            logger.error("the broker refuses us: %s", reason)
            return
        client.subscribe([(topic, 1) for topic in self.topics])
        if self.told:
            client.publish(AVAILABILITY, b"online", qos=1, retain=True)
        self.connected.set()

    def _on_disconnect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.connected.clear()
        logger.log(logging.WARNING if reason.is_failure else logging.INFO, "connection to the broker ended: %s", reason)

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        self.answers.put((message.topic, bytes(message.payload)))
