"""CIM documents: what is written is read again; what is malformed, hostile or too large is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.kernels.cim import (
    Acknowledgement,
    Reason,
    acknowledgement_document,
    read_acknowledgement,
    read_bid_identity,
    reserve_bid_document,
)
from bidding.kernels.cim_reading import LARGEST_BYTES
from bidding.kernels.exchange import BadExchangeFile, OrderRow

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
FRAME = {"sender": "M", "receiver": "A", "created": NOW}
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(words, words, st.integers(1, 99), st.dictionaries(words, words, max_size=3), words)
def test_reading_undoes_writing(mrid, received, revision, rejected, text):
    series = tuple(Reason("A59", why, name) for name, why in rejected.items())
    ack = Acknowledgement(mrid, received, revision, (*series, Reason("A03" if rejected else "A01", text)))
    again = read_acknowledgement(acknowledgement_document(ack, **FRAME).encode())
    assert (again.mrid, again.received_mrid, again.received_revision) == (mrid, received, revision)
    assert set(again.reasons) == set(ack.reasons) and set(again.rejected_series) == set(rejected)


def test_a_bid_document_names_its_series():
    start = datetime(2026, 3, 2, tzinfo=UTC)
    rows = [OrderRow("b1", "FCR", start, start.replace(hour=4), side, 7.5, 2000.0) for side in ("SELL", "BUY")]
    text = reserve_bid_document(rows, document="D", revision=3, sender="A", receiver="M", domain="10YDE", created=NOW)
    assert read_bid_identity(text.encode()) == ("D", 3, ["D-1", "D-2"])
    for part in (">A01<", ">A02<", "<resolution>PT240M<", "<quantity.quantity>2<", "<procurement_Price.amount>7.50<"):
        assert part in text


def good(**parts: str) -> str:
    ack = Acknowledgement("X", "D", 1, (Reason("A01"),))
    text = acknowledgement_document(ack, **FRAME)
    for old, new in parts.items():
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not XML"),
        (b"<x/>", "a x, want Acknowledgement_MarketDocument"),
        (good()[:-5].encode(), "not XML"),
        (good().encode("utf-16"), "not UTF-8"),
        (good().replace("?>", "?><!DOCTYPE a [<!ENTITY b 'c'>]>").encode(), "document types"),
        (good().replace("?>", "?><!doctype a>").encode(), "document types"),
        (b" " * (LARGEST_BYTES + 1), "at most"),
        (good().replace(">A01<", ">B17<").encode(), "reason codes of the document"),
        (good().replace(">A01<", ">A03<").encode(), "does not go with"),
        (good().replace("<received_MarketDocument.mRID>D</received_MarketDocument.mRID>", "").encode(), "is missing"),
        (good().replace("Number>1<", "Number>one<").encode(), "is no number"),
        (good().replace("<Reason>", "<Rejected_TimeSeries><mRID>S</mRID></Rejected_TimeSeries><Reason>").encode(),
         "time series S has no reason"),
    ],
)  # fmt: skip
def test_what_cannot_be_believed_is_refused_by_name(data, message):
    assert read_acknowledgement(good().encode()).code == "A01"
    with pytest.raises(BadExchangeFile, match=message):
        read_acknowledgement(data)
