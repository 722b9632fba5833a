"""Readings through a real broker and one gateway process: published with QoS 1, counted when they are stored."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests import servers


def stored() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM telemetry_reading WHERE ts >= now() - interval '2 days'")
        return int(cursor.fetchone()[0])


def publish(port: int, messages: list[tuple[str, bytes]]) -> None:
    """QoS 1 in MQTT 3.1.1 by hand, so that the sender costs next to nothing; returns when all are acknowledged."""
    packets = [_publish_packet(place % 65_535 + 1, *message) for place, message in enumerate(messages)]
    with socket.create_connection(("127.0.0.1", port)) as broker:
        broker.sendall(bytes([0x10, 16, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 0, 0, 4]) + b"load")
        acknowledged, sent, buffered = -1, 0, b""  # the first answer is that of CONNECT, as long as a PUBACK
        while acknowledged < len(packets):
            window = packets[sent : max(sent, acknowledged + 2000)]
            broker.sendall(b"".join(window))
            sent += len(window)
            buffered += broker.recv(65_536)
            acknowledged += len(buffered) // 4
            buffered = buffered[len(buffered) // 4 * 4 :]
        broker.sendall(bytes([0xE0, 0]))


def _publish_packet(mid: int, topic: str, payload: bytes) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + mid.to_bytes(2, "big") + payload
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | (128 if rest else 0)])
        if not rest:
            return b"\x32" + length + body


def readings_a_second(codes: list[str], *, single: int, minutes: int) -> tuple[float, float]:
    """With `single` messages of one reading each, and with `minutes` messages of 1,000 devices each."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=20)
    some = codes[:1000]
    ones = []
    for place in range(single):
        moment = (start + timedelta(minutes=place // len(some))).isoformat()
        payload = json.dumps({"time": moment, "power_kw": place % 7}).encode()
        ones.append((f"vpp/v1/bench/{some[place % len(some)]}/state", payload))
    many = []
    for minute in range(minutes):
        columns = {
            "device": some,
            "time": (start + timedelta(minutes=600 + minute)).isoformat(),
            "power_kw": [float(minute % 10)] * len(some),
        }
        many.append(("vpp/v1/bench/readings", json.dumps({"columns": columns}).encode()))
    with tempfile.TemporaryDirectory(prefix="vpp-broker-") as folder, servers.mosquitto(Path(folder)) as port:
        gateway = subprocess.Popen([sys.executable, "manage.py", "gateway", "--url", f"mqtt://127.0.0.1:{port}"])
        try:
            time.sleep(6)  # until it has subscribed
            return _rate(port, ones, single), _rate(port, many, minutes * len(some))
        finally:
            gateway.terminate()
            gateway.wait(30)


def _rate(port: int, messages: list[tuple[str, bytes]], readings: int) -> float:
    before, begin = stored(), time.perf_counter()
    publish(port, messages)
    while stored() < before + readings:
        if time.perf_counter() - begin > 120:
            raise SystemExit(f"{stored() - before} of {readings} readings came through")
        time.sleep(0.05)
    return readings / (time.perf_counter() - begin)
