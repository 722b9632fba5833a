"""Twenty thousand damaged and invented messages: each is read or refused with a reason, nothing bad is kept."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from telemetry.kernels.batch import ReadingBatch
from telemetry.kernels.judge import Ratings, judge
from telemetry.protocols import mqtt_messages
from telemetry.protocols.decode import decode
from vpp.lib.errors import DomainError

AT = datetime(2016, 10, 30, 12, tzinfo=UTC)  # the clock went back this morning
AT_US = round(AT.timestamp() * 1e6)
CODES = ["battery", "pv", "load"]
TIMES = [
    "2016-10-30T00:30:00Z", "2016-10-30T02:30:00+02:00", "2016-10-30T02:30:00+01:00", "2016-03-27T02:30:00+01:00",
    "2016-10-30T02:30:00", "2016-10-30", "1e9", "", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2016-02-30T00:00:00Z",
    "2016-10-30T11:59:60Z", "2016-10-30T12:00:00.5Z", "2016-10-30T12:06:00Z", "\x00", "٢٠١٦-10-30T00:30:00Z",
]  # fmt: skip
VALUES = [
    0, 1, -1, 0.1, 1e308, -1e308, 1e-320, 10**400, "1", "NaN", None, True, [], {}, [[[[1]]]], float("nan"), float("inf"),
    -float("inf"), 2**63, 9.9, 11.0, 21.0, -0.0,
]  # fmt: skip
DEVICES = [*CODES, "theirs", "", "x" * 121, "\x00", "\ud800", "bat\x1ftery", 7, None, ["battery"]]
KEYS = ("power_kw", "energy_kwh", "soc_kwh", "voltage_pu", "correction", "extra")


def any_row(rng: random.Random) -> object:
    if rng.random() < 0.05:
        return rng.choice(VALUES)
    row: dict[str, object] = {"device": rng.choice(DEVICES if rng.random() < 0.3 else CODES), "time": rng.choice(TIMES)}
    row |= {key: rng.choice(VALUES) for key in KEYS if rng.random() < (0.9 if key == "power_kw" else 0.2)}
    for key in list(row):
        if rng.random() < 0.03:
            del row[key]
    return row


def any_columns(rng: random.Random) -> object:
    count = rng.randrange(4)
    columns = {
        "device": rng.choices(DEVICES if rng.random() < 0.3 else CODES, k=count),
        "time": rng.choices(TIMES, k=count),
    }
    columns |= {key: rng.choices(VALUES[:8], k=count + (rng.random() < 0.1)) for key in KEYS[: rng.randrange(1, 4)]}
    return {"columns": columns, "sign": rng.choice(["load", "generation", "both", 1])}


def any_packed(rng: random.Random) -> bytes:
    count = rng.randrange(5)
    values = np.array([rng.choice([0.0, 1e308, np.nan, np.inf, -5.0, 30.0]) for _ in range(count)], dtype="<f8")
    message = {
        "codes": rng.choice([CODES, [], ["battery"], [1], "battery", ["battery"] * 3]),
        "device": np.array([rng.randrange(-2, 5) for _ in range(count)], dtype="<i4").tobytes(),
        "time_s": np.array(
            [rng.choice([0, -1, 2**62, AT_US // 10**6, AT_US // 10**6 + 999]) for _ in range(count)], dtype="<i8"
        ).tobytes(),
        "power_kw": values.tobytes(),
    }
    if rng.random() < 0.3:
        message[rng.choice(["soc_kwh", "energy_kwh", "voltage_pu", "sign", "correction"])] = rng.choice(
            [values.tobytes(), values.tobytes()[1:], None, 1, "load"]
        )
    return msgspec.msgpack.encode(message)


def damaged(rng: random.Random, whole: bytes) -> bytes:
    """Bytes changed, cut, doubled or put in."""
    body = bytearray(whole)
    for _ in range(rng.randrange(4)):
        if not body:
            break
        place = rng.randrange(len(body))
        action = rng.randrange(4)
        if action == 0:
            body[place] = rng.randrange(256)
        elif action == 1:
            del body[place : place + rng.randrange(1, 9)]
        elif action == 2:
            body[place:place] = rng.randbytes(rng.randrange(1, 5))
        else:
            body = body[:place]
    return bytes(body)


def any_message(rng: random.Random) -> tuple[bytes, str, str]:
    """Body, content type, content encoding."""
    kind = rng.randrange(5)
    if kind == 0:
        body, media = any_packed(rng), "application/msgpack"
    elif kind == 1:
        body, media = json.dumps(any_columns(rng)).encode(), "application/json"
    elif kind == 2:
        body, media = (
            rng.randbytes(rng.randrange(40)),
            rng.choice(["application/json", "application/msgpack", "", "text/xml"]),
        )
    else:
        readings = [any_row(rng) for _ in range(rng.randrange(5))]
        body, media = json.dumps({"readings": readings}).encode(), "application/json"
    if rng.random() < 0.5:
        body = damaged(rng, body)
    if rng.random() < 0.1:
        return damaged(rng, gzip.compress(body, 1)), media, "gzip"
    return body, media, rng.choice(["", "", "", "identity", "br"])


RATINGS = {"battery": (1, 10.0, 10.0, 20.0), "pv": (2, 0.0, 10.0, 0.0), "load": (3, 10.0, 0.0, 0.0)}


def ratings_of(codes: list[str]) -> Ratings:
    rows = [RATINGS.get(code, (-1, 0.0, 0.0, 0.0)) for code in codes]
    ids, draw, feed, capacity = (np.array([row[place] for row in rows], dtype=np.float64) for place in range(4))
    return Ratings(ids.astype(np.int64), draw, feed, capacity)


def kept_is_sound(batch: ReadingBatch) -> int:
    judgement = judge(batch, ratings_of(list(batch.codes)), at_us=AT_US, max_age_days=45)
    kept = judgement.kept
    assert np.isfinite(batch.power_kw[kept]).all()
    assert (np.abs(batch.power_kw[kept]) <= 20.0).all()
    assert (batch.time_us[kept] <= AT_US + 300_000_000).all()
    assert (batch.time_us[kept] >= AT_US - 45 * 86_400_000_000).all()
    for name in ("energy_kwh", "soc_kwh", "voltage_pu"):
        assert not np.isinf(getattr(batch, name)[kept]).any()
    assert set(judgement.device_id[kept].tolist()) <= {1, 2, 3}
    assert batch.size - int(kept.sum()) == len(judgement.refusals(batch.row))
    return int(kept.sum())


@pytest.mark.parametrize("seed", range(4))
def test_five_thousand_messages_are_read_or_refused(seed):
    rng = random.Random(seed)
    kept = refused = 0
    for _ in range(5_000):
        body, media, encoding = any_message(rng)
        try:
            kept += kept_is_sound(decode(body, content_type=media, content_encoding=encoding))
        except DomainError as error:
            assert error.http_status in (400, 413, 415)
            refused += 1
    assert kept > 20
    assert refused > 500


def test_messages_over_mqtt_are_read_or_refused_alike():
    rng = random.Random(9)
    topics = ["vpp/v1/home/battery/state", "vpp/v1/home/readings", "vpp/v1//battery/state", "vpp/v1/\x00/readings"]
    whole = json.dumps({"time": TIMES[0], "power_kw": 1}).encode()
    for _ in range(2_000):
        payload = damaged(rng, whole) if rng.random() < 0.5 else any_message(rng)[0]
        found = mqtt_messages.read([(rng.choice(topics).encode(), payload)])
        kept_is_sound(found.batch)
        assert all(error.http_status < 500 for _, error in found.refused)


@pytest.mark.parametrize(
    ("body", "media", "encoding"),
    [
        (gzip.compress(b"[" * 60_000_000, 9), "application/json", "gzip"),
        (b'{"readings":' + b"[" * 5_000_000, "application/json", ""),
        (b'{"readings":[' + b"{}," * 3_000_000 + b"{}]}", "application/json", ""),
        (b"\xdd\xff\xff\xff\xff" * 1000, "application/msgpack", ""),
        (b"\x81\xa5codes\xdd\xff\xff\xff\xff", "application/msgpack", ""),
        (b"\x81" * 1_000_000, "application/msgpack", ""),
        (b"\x81\xa5codes\xdd" + (9_000_000).to_bytes(4, "big") + b"\xa1x" * 8_000_000, "application/msgpack", ""),
        (b'{"columns":{"power_kw":[' + b"1," * 4_000_000 + b"1]}}", "application/json", ""),
    ],
)
def test_a_hostile_message_takes_no_more_memory_than_its_bound(body, media, encoding):
    tracemalloc.start()
    try:
        with pytest.raises(DomainError):
            decode(body, content_type=media, content_encoding=encoding)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()
