"""MQTT packets by hand: what the standard's examples and a broker's stream say, in any cut."""

from __future__ import annotations

import random

import pytest

from telemetry.gateway import packets
from telemetry.gateway.packets import BrokenProtocol, Message, parse


def publish(topic: bytes, payload: bytes, *, mid: int = 0, properties: bytes = b"") -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if mid else b"")
    body += packets._length(len(properties)) + properties + payload
    return packets._packet(0x32 if mid else 0x30, body)


def test_a_stream_cut_anywhere_gives_the_same_messages():
    rng = random.Random(1)
    sent = [Message(b"t/%d" % place, rng.randbytes(rng.choice([0, 5, 127, 128, 20_000])), place) for place in range(40)]
    stream = b"".join(
        publish(*message[:2], mid=message.mid, properties=b"\x01\x00" if message.mid % 3 else b"") for message in sent
    )
    found: list[Message] = []
    rest, place = b"", 0
    while place < len(stream):
        step = rng.choice([1, 2, 3, 100, 30_000])
        parsed = parse(rest + stream[place : place + step])
        found, rest, place = found + parsed.messages, parsed.rest, place + step
    assert (found, rest) == (sent, b"")


def test_other_packets_come_by_type_and_a_message_without_qos_wants_no_acknowledgement():
    parsed = parse(packets.PINGREQ + publish(b"a", b"1") + b"\x90\x04\x00\x01\x00\x01" + publish(b"b", b"2", mid=258))
    assert parsed.others == [(12, b""), (9, b"\x00\x01\x00\x01")]
    assert packets.acknowledgements(parsed.messages) == b"\x40\x02\x01\x02"


@pytest.mark.parametrize(
    "stream", [b"\x32\xff\xff\xff\xff\x01", b"\x32\x01\x00", b"\x32\x04\x00\x09ab", b"\x32\x06\x00\x01a\x00\x01\x7f"]
)
def test_a_broken_stream_is_told_apart_from_an_unfinished_one(stream):
    with pytest.raises(BrokenProtocol):
        parse(stream)


def test_connect_says_who_and_for_how_long_and_the_answer_is_read():
    packet = packets.connect("me", "you", "it", keep_alive_s=60, session_s=7, in_flight=9, largest=1000)
    assert packet[:1] + packet[2:12] == b"\x10\x00\x04MQTT\x05\xc0\x00\x3c"
    assert packet.endswith(b"\x00\x02me\x00\x03you\x00\x02it")
    assert packet[1] == len(packet) - 2
    answer = b"\x20\x12\x01\x00\x0f\x13\x00\x1e\x26\x00\x01k\x00\x01v\x21\xff\xff" + b"\x29\x01" + b"x"
    kind, body, rest = packets.first(answer) or (0, b"", b"")
    assert (kind, rest) == (packets.CONNACK, b"x")
    assert packets.connected(body) == packets.Connected(session_kept=True, reason=0, keep_alive_s=30)
    assert packets.first(answer[:7]) is None
    assert packets.refused_topics(b"\x00\x01\x00\x01\x87") == [0x87]
