"""How commands come and answers go: over MQTT or by polling over HTTP. Both give columns and take ids."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import unquote, urlparse

import msgspec
import numpy as np
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from vpp.simulation.client import Client
from vpp.simulation.live.devices import Heard

SETPOINTS = "/api/v1/dispatch/setpoints"
ACKNOWLEDGEMENTS = "/api/v1/dispatch/acknowledgements"
REASON = "owner limit reached"


@dataclass(frozen=True)
class Delivery:
    """Commands as they came, and where their answers go."""

    reply: str
    heard: Heard


class CommandLink(Protocol):
    def take(self, now: datetime, rows: dict[str, int]) -> list[Delivery]: ...

    def answer(self, reply: str, accepted: list[int], refused: list[int], kvar: dict[int, float]) -> None: ...

    def close(self) -> None: ...


def heard_of(columns: dict[str, Any], rows: dict[str, int]) -> Heard:
    """The rows of devices that are ours; `expires` (MQTT) is `expires_at` over HTTP."""
    ours = [place for place, device in enumerate(columns["device"]) if device in rows]
    until = columns.get("expires") or columns.get("expires_at") or []

    def column(values: list[Any], kind: type) -> Any:
        return np.array([values[place] for place in ours], dtype=kind)

    return Heard(
        id=column(columns["id"], np.int64),
        row=np.array([rows[columns["device"][place]] for place in ours], dtype=np.int64),
        interval_s=np.array([_epoch(columns["interval_start"][place]) for place in ours]),
        sequence=column(columns["sequence"], np.int64),
        target_kw=column(columns["target_kw"], np.float64),
        released=column(columns["released"], np.bool_),
        expires_s=np.array([_epoch(until[place]) for place in ours]),
        target_kvar=column(columns.get("target_kvar") or [None] * len(columns["id"]), np.float64),
    )


def _answer_of_many(accepted: list[int], refused: list[int], kvar: dict[int, float]) -> dict[str, Any]:
    message = {"accepted": accepted, "refused": [{"id": one, "reason": REASON} for one in refused]}
    given = {str(one): kvar[one] for one in accepted if one in kvar}
    return message | ({"kvar": given} if given else {})


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


class OverHttp:
    """Long poll: the answer comes at once when something waits, or after `wait_s`."""

    def __init__(self, client: Client, wait_s: int = 2) -> None:
        self.client, self.wait_s = client, wait_s

    def take(self, now: datetime, rows: dict[str, int]) -> list[Delivery]:
        found = self.client.get(SETPOINTS, {"interval": now.isoformat(), "wait": str(self.wait_s)})["setpoints"]
        heard = heard_of(found, rows)
        return [Delivery("", heard)] if heard.id.size else []

    def answer(self, reply: str, accepted: list[int], refused: list[int], kvar: dict[int, float]) -> None:
        self.client.post(ACKNOWLEDGEMENTS, _answer_of_many(accepted, refused, kvar))

    def close(self) -> None:
        self.client.close()


class OverMqtt:
    """One connection for all devices: their own topics and those of gateways of many."""

    def __init__(self, url: str, client_id: str) -> None:
        where = urlparse(url)
        self._came: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(0)
        self._client.on_message = lambda _, __, message: self._came.put((message.topic, bytes(message.payload)))
        self._client.on_connect = lambda client, *_: client.subscribe(
            [("vpp/v1/+/commands", 1), ("vpp/v1/+/+/command", 1)]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        if where.username:
            self._client.username_pw_set(unquote(where.username), unquote(where.password or ""))
        if where.scheme == "mqtts":
            self._client.tls_set()
        self._client.connect(str(where.hostname), where.port or (8883 if where.scheme == "mqtts" else 1883))
        self._client.loop_start()
        if not self._subscribed.wait(20):
            raise ConnectionError(f"the broker at {where.hostname} does not let us subscribe")

    def take(self, now: datetime, rows: dict[str, int]) -> list[Delivery]:
        found: list[Delivery] = []
        while True:
            try:
                topic, payload = self._came.get(timeout=0.0 if found else 0.1)
            except queue.Empty:
                return found
            columns = msgspec.json.decode(payload)
            if topic.endswith("/command"):
                columns = {name: [value] for name, value in columns.items()} | {
                    "device": [unquote(topic.split("/")[3])]
                }
            found.append(Delivery(topic, heard_of(columns, rows)))

    def answer(self, reply: str, accepted: list[int], refused: list[int], kvar: dict[int, float]) -> None:
        if reply.endswith("/commands"):
            self._publish(reply[: -len("commands")] + "acks", _answer_of_many(accepted, refused, kvar))
            return
        for one in accepted:
            given = {"kvar": kvar[one]} if one in kvar else {}
            self._publish(reply[: -len("command")] + "ack", {"id": one} | given)
        for one in refused:
            self._publish(reply[: -len("command")] + "ack", {"id": one, "accepted": False, "reason": REASON})

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, topic: str, message: dict[str, Any]) -> None:
        self._client.publish(topic, msgspec.json.encode(message), qos=1)
