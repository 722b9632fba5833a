"""The HTTP way in: forms, tenancy, idempotency, and no message that makes it fall over."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.models import Reading
from telemetry.protocols import decode as codecs
from telemetry.protocols import msgpack_columns
from tests.apps.telemetry.conftest import rows
from tests.factories import make_client, make_device
from vpp.accounts.models import Participant
from vpp.lib import clock

T0 = datetime(2016, 7, 13, 10, tzinfo=UTC)
URL = "/api/v1/telemetry/readings"


@pytest.fixture(autouse=True)
def _at_noon():
    clock.set_simulated(T0 + timedelta(hours=2))


def message(*readings, **extra) -> bytes:
    keys = ("device", "time", "power_kw")
    return json.dumps({"readings": [dict(zip(keys, reading, strict=False)) for reading in readings]} | extra).encode()


def post(client, fleet, body, content_type="application/json", **headers):
    return client.post(URL, body, content_type=content_type, headers=fleet.headers | headers)


def test_json_rows_are_stored(client, fleet):
    answer = post(
        client, fleet, message(("battery", "2016-07-13T10:00:00Z", 4), ("pv", "2016-07-13T12:00:00+02:00", -3))
    )
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 2, "corrected": 0, "duplicates": 0, "refused": []}
    assert set(Reading.objects.values_list("ts", "power_kw")) == {(T0, 4.0), (T0, -3.0)}


def test_json_columns_and_packed_columns_mean_the_same_as_rows(client, fleet):
    columns = {"columns": {"device": ["battery", "load"], "time": T0.isoformat(), "power_kw": [1.5, 2.5]}}
    packed = msgpack_columns.encode(rows(("battery", T0, 1.5), ("load", T0, 2.5)))
    by_rows = message(("battery", T0.isoformat(), 1.5), ("load", T0.isoformat(), 2.5))
    assert post(client, fleet, json.dumps(columns)).json()["accepted"] == 2
    assert post(client, fleet, packed, "application/msgpack").json()["duplicates"] == 2
    assert post(client, fleet, by_rows).json()["duplicates"] == 2
    zipped = client.post(
        URL,
        gzip.compress(by_rows, mtime=0),
        content_type="application/json",
        headers=fleet.headers | {"content-encoding": "gzip"},
    )
    assert zipped.json()["duplicates"] == 2


def test_a_sender_that_counts_production_positive_is_turned_around(client, fleet):
    post(client, fleet, message(("pv", T0.isoformat(), 3.0), sign="generation"))
    assert Reading.objects.get().power_kw == -3.0
    assert client.get("/api/v1/telemetry/series", series_query("pv"), headers=fleet.headers).json()["series"] == [
        {"device": "pv", "power_kw": [-3.0, None]}
    ]


def series_query(*devices: str, **extra: object) -> dict:
    return {"device": list(devices), "start": T0.isoformat(), "end": (T0 + timedelta(minutes=30)).isoformat(), **extra}


def test_a_foreign_device_is_a_refused_row_like_an_unknown_one(client, fleet):
    make_device(code="theirs")
    answer = post(
        client,
        fleet,
        message(("theirs", T0.isoformat(), 1), ("nothing", T0.isoformat(), 1), ("battery", T0.isoformat(), 1)),
    ).json()
    assert answer["accepted"] == 1
    assert answer["refused"] == [{"row": 0, "reason": "unknown_device"}, {"row": 1, "reason": "unknown_device"}]
    assert Reading.objects.get().device_id == fleet.ids[0]


def test_the_aggregators_own_gateway_writes_for_all_and_a_utility_for_none(client, fleet):
    _, own = make_client(kind=Participant.Kind.AGGREGATOR, scopes=("telemetry:write",))
    _, utility = make_client(kind=Participant.Kind.UTILITY, scopes=("telemetry:write",))
    body = message(("battery", T0.isoformat(), 1))
    for token, accepted in ((utility, 0), (own, 1)):
        answer = client.post(URL, body, content_type="application/json", headers={"authorization": f"Bearer {token}"})
        assert answer.json()["accepted"] == accepted


def test_a_client_without_the_scope_or_the_token_is_turned_away(client, fleet):
    _, reader = make_client(kind=Participant.Kind.OWNER, scopes=("read",))
    body = message(("battery", T0.isoformat(), 1))
    assert client.post(URL, body, content_type="application/json").status_code == 401
    answer = client.post(URL, body, content_type="application/json", headers={"authorization": f"Bearer {reader}"})
    assert (answer.status_code, Reading.objects.count()) == (403, 0)


def test_series_of_a_foreign_device_are_not_found(client, fleet):
    make_device(code="theirs")
    answer = client.get("/api/v1/telemetry/series", series_query("theirs"), headers=fleet.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_series_answer_as_known_then_and_refuse_what_is_off_the_grid(client, fleet):
    post(client, fleet, message(("battery", T0.isoformat(), 4)))
    before = client.get(
        "/api/v1/telemetry/series", series_query("battery", as_of=T0.isoformat()), headers=fleet.headers
    )
    assert before.json()["series"][0]["power_kw"] == [None, None]
    odd = series_query("battery") | {"end": (T0 + timedelta(minutes=20)).isoformat()}
    assert client.get("/api/v1/telemetry/series", odd, headers=fleet.headers).status_code == 400


def test_an_idempotency_key_repeats_the_first_answer_and_refuses_another_body(client, fleet):
    body = message(("battery", T0.isoformat(), 4))
    first = post(client, fleet, body, **{"idempotency-key": "a"})
    again = post(client, fleet, body, **{"idempotency-key": "a"})
    assert first.json() == again.json() == {"accepted": 1, "corrected": 0, "duplicates": 0, "refused": []}
    other = post(client, fleet, message(("battery", T0.isoformat(), 5)), **{"idempotency-key": "a"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_a_row_that_cannot_be_read_is_refused_alone(client, fleet):
    body = {
        "readings": [
            {"device": "battery", "time": T0.isoformat(), "power_kw": "four"},
            {"device": "battery", "time": "2016-07-13T10:00:00", "power_kw": 4},
            {"device": "battery", "time": T0.isoformat()},
            {"device": "load", "time": T0.isoformat(), "power_kw": 1},
            7,
        ]
    }
    answer = post(client, fleet, json.dumps(body)).json()
    assert answer["accepted"] == 1
    assert answer["refused"] == [{"row": row, "reason": "malformed_row"} for row in (0, 1, 2, 4)]


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "code"),
    [
        (b"{", "application/json", {}, 400, "malformed_body"),
        (b"[" * 100_000, "application/json", {}, 400, "malformed_body"),
        (b'{"readings": ' + b"[" * 100_000, "application/json", {}, 400, "malformed_body"),
        (b'{"readings": [{"device": "\xff"}]}', "application/json", {}, 400, "malformed_body"),
        (b'{"something": 1}', "application/json", {}, 400, "malformed_body"),
        (b" ", "application/json", {}, 400, "malformed_body"),
        (b"\xc1", "application/msgpack", {}, 400, "malformed_body"),
        (b"", "text/csv", {}, 415, "unsupported_media_type"),
        (b"{}", "application/json", {"content-encoding": "br"}, 415, "unsupported_media_type"),
        (b"no gzip", "application/json", {"content-encoding": "gzip"}, 400, "malformed_body"),
        (
            gzip.compress(b"[]" * 999, mtime=0)[:-9],
            "application/json",
            {"content-encoding": "gzip"},
            400,
            "malformed_body",
        ),
        (
            gzip.compress(b" " * 20_000_000, mtime=0),
            "application/json",
            {"content-encoding": "gzip"},
            413,
            "body_too_large",
        ),
        (message(*[("battery", "2016-07-13T10:00:00Z", 1)] * 10_001), "application/json", {}, 413, "too_many_rows"),
    ],
)
def test_a_message_that_cannot_be_read_gets_a_stable_code(client, fleet, body, content_type, headers, status, code):
    answer = post(client, fleet, body, content_type, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["battery", "pv", T0.isoformat()]),
)
bad_rows = st.dictionaries(
    st.sampled_from(["device", "time", "power_kw", "soc_kwh", "energy_kwh", "voltage_pu", "correction", "x"]), scalars
)
plausible_rows = st.fixed_dictionaries(
    {
        "device": st.sampled_from(["battery", "pv", "load", "other", "\x00", "\ud800"]),
        "time": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.just(T0.isoformat()),
        "power_kw": st.floats() | st.integers(),
    },
    optional={"energy_kwh": st.floats(), "soc_kwh": st.floats(), "correction": st.booleans()},
)
never_500 = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stored_readings_are_sound():
    for reading in Reading.objects.all():
        assert np.isfinite(reading.power_kw)
        assert abs(reading.power_kw) <= 20.0
        assert T0 - timedelta(days=45) <= reading.ts <= T0 + timedelta(hours=2, minutes=5)


@never_500
@given(st.lists(bad_rows | plausible_rows | scalars, max_size=8), st.sampled_from(["readings", "columns", "else"]))
def test_generated_json_never_breaks_the_service(client, fleet, readings, key):
    answer = post(client, fleet, json.dumps({key: readings}))
    assert answer.status_code in (200, 400)
    stored_readings_are_sound()


@never_500
@given(
    st.dictionaries(st.sampled_from(["device", "time", "power_kw", "soc_kwh"]), st.lists(scalars, max_size=4) | scalars)
)
def test_generated_columns_never_break_the_service(client, fleet, columns):
    assert post(client, fleet, json.dumps({"columns": columns})).status_code in (200, 400)
    stored_readings_are_sound()


@never_500
@given(st.data())
def test_damaged_messagepack_never_breaks_the_service(client, fleet, data):
    whole = bytearray(msgpack_columns.encode(rows(("battery", T0, 1.5), ("load", T0, 2.5))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(whole)))
    assert post(client, fleet, bytes(whole[:cut]), "application/msgpack").status_code in (200, 400)
    stored_readings_are_sound()


@settings(max_examples=1_000, deadline=None)
@given(
    st.binary(max_size=60), st.sampled_from(["application/json", "application/msgpack"]), st.sampled_from(["", "gzip"])
)
def test_any_bytes_are_read_or_refused(body, content_type, encoding):
    from vpp.lib.errors import DomainError

    try:
        codecs.decode(body, content_type=content_type, content_encoding=encoding)
    except DomainError as error:
        assert error.http_status < 500


def test_huge_numbers_in_packed_columns_are_refused_row_by_row(client, fleet):
    body = msgspec.msgpack.encode(
        {
            "codes": ["battery"],
            "device": np.array([0, 0, 9, -1], dtype="<i4").tobytes(),
            "time_s": np.array([2**62, int(T0.timestamp()), 0, 0], dtype="<i8").tobytes(),
            "power_kw": np.array([1, 1e308, 1, 1], dtype="<f8").tobytes(),
        }
    )
    reasons = [row["reason"] for row in post(client, fleet, body, "application/msgpack").json()["refused"]]
    assert reasons == ["malformed_row", "above_rating", "malformed_row", "malformed_row"]
