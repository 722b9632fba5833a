"""CIM documents of European reserves as text: the ReserveBid document out, the acknowledgement in and out.

ReserveBid_MarketDocument is IEC 62325-451-7, Acknowledgement_MarketDocument IEC 62325-451-1; element names and codes
are recalled, check them against the market's own schema. What comes in is read as UTF-8 without document type or
entities and up to a size; every refusal names what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from bidding.kernels.cim_reading import children_of, parsed, text_of
from bidding.kernels.exchange import BadExchangeFile, OrderRow, price_text
from vpp.lib.units import KW_PER_MW

BID_NAMESPACE = "urn:iec62325.351:tc57wg16:451-7:reservebiddocument:7:2"
ACK_NAMESPACE = "urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:8:1"
BID_ROOT, ACK_ROOT = "ReserveBid_MarketDocument", "Acknowledgement_MarketDocument"
DIRECTIONS = {"SELL": "A01", "BUY": "A02"}
ACCEPTED, REJECTED, PARTLY = "A01", "A02", "A03"  # of the whole document
MRID_LENGTH = 60


@dataclass(frozen=True)
class Reason:
    """series: the mRID of the time series it is about, empty for the document."""

    code: str
    text: str = ""
    series: str = ""


@dataclass(frozen=True)
class Acknowledgement:
    """What a market says of one revision of a document it received."""

    mrid: str
    received_mrid: str
    received_revision: int
    reasons: tuple[Reason, ...]

    @property
    def code(self) -> str:
        """Of the document: accepted, rejected, or accepted but for some of its series."""
        return next(reason.code for reason in self.reasons if not reason.series)

    @property
    def rejected_series(self) -> dict[str, str]:
        """mRID: why."""
        found: dict[str, list[str]] = {}
        for reason in self.reasons:
            if reason.series:
                found.setdefault(reason.series, []).append(f"{reason.code} {reason.text}".strip())
        return {series: "; ".join(texts) for series, texts in found.items()}


class _Writer:
    def __init__(self, namespace: str, root: str) -> None:
        ElementTree.register_namespace("", namespace)
        self.namespace = namespace
        self.root = ElementTree.Element(f"{{{namespace}}}{root}")

    def add(self, parent: ElementTree.Element, name: str, text: str = "") -> ElementTree.Element:
        element = ElementTree.SubElement(parent, f"{{{self.namespace}}}{name}")
        element.text = text or None
        return element

    def text(self) -> str:
        return ElementTree.tostring(self.root, encoding="unicode", xml_declaration=True)


def series_mrid(document: str, number: int) -> str:
    """Of the document's time series, counted from 1."""
    return f"{document[: MRID_LENGTH - 6]}-{number}"


def reserve_bid_document(
    rows: Sequence[OrderRow], *, document: str, revision: int, sender: str, receiver: str, domain: str,
    created: datetime,
) -> str:  # fmt: skip
    """One time series a row (bid, block and step); SELL stands for upward, BUY for downward."""
    made = _Writer(BID_NAMESPACE, BID_ROOT)
    add, root = made.add, made.root
    add(root, "mRID", document)
    add(root, "revisionNumber", str(revision))
    add(root, "type", "A37")
    add(root, "sender_MarketParticipant.mRID", sender)
    add(root, "receiver_MarketParticipant.mRID", receiver)
    add(root, "createdDateTime", created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    for number, row in enumerate(rows, start=1):
        series = add(root, "Bid_TimeSeries")
        add(series, "mRID", series_mrid(document, number))
        add(series, "acquiring_Domain.mRID", domain)
        add(series, "quantity_Measurement_Unit.name", "MAW")
        add(series, "divisible", "A01")
        add(series, "flowDirection.direction", DIRECTIONS[row.side])
        period = add(series, "Period")
        interval = add(period, "timeInterval")
        add(interval, "start", _moment(row.start))
        add(interval, "end", _moment(row.end))
        add(period, "resolution", f"PT{int((row.end - row.start).total_seconds() // 60)}M")
        point = add(period, "Point")
        add(point, "position", "1")
        add(point, "quantity.quantity", f"{row.quantity_kw / KW_PER_MW:.6f}".rstrip("0").rstrip("."))
        add(point, "procurement_Price.amount", price_text(row.price))
    return made.text()


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def acknowledgement_document(ack: Acknowledgement, *, sender: str, receiver: str, created: datetime) -> str:
    made = _Writer(ACK_NAMESPACE, ACK_ROOT)
    add, root = made.add, made.root
    add(root, "mRID", ack.mrid)
    add(root, "createdDateTime", created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    add(root, "sender_MarketParticipant.mRID", sender)
    add(root, "receiver_MarketParticipant.mRID", receiver)
    add(root, "received_MarketDocument.mRID", ack.received_mrid)
    add(root, "received_MarketDocument.revisionNumber", str(ack.received_revision))
    for name in dict.fromkeys(reason.series for reason in ack.reasons if reason.series):
        series = add(root, "Rejected_TimeSeries")
        add(series, "mRID", name)
        for reason in ack.reasons:
            if reason.series == name:
                _add_reason(made, series, reason)
    for reason in ack.reasons:
        if not reason.series:
            _add_reason(made, root, reason)
    return made.text()


def _add_reason(made: _Writer, parent: ElementTree.Element, reason: Reason) -> None:
    element = made.add(parent, "Reason")
    made.add(element, "code", reason.code)
    if reason.text:
        made.add(element, "text", reason.text)


def read_acknowledgement(data: bytes) -> Acknowledgement:
    """Raises BadExchangeFile: too large, not UTF-8, a document type or entity, not XML, parts missing or unknown."""
    root = parsed(data, ACK_ROOT)
    reasons = [_reason(element, "") for element in children_of(root, "Reason")]
    for series in children_of(root, "Rejected_TimeSeries"):
        name = text_of(series, "mRID")
        found = [_reason(element, name) for element in children_of(series, "Reason")]
        if not found:
            raise BadExchangeFile(f"the rejected time series {name} has no reason")
        reasons += found
    codes = [reason.code for reason in reasons if not reason.series]
    if len(codes) != 1 or codes[0] not in (ACCEPTED, REJECTED, PARTLY):
        raise BadExchangeFile(f"reason codes of the document: {codes or 'none'}, want one of A01, A02, A03")
    if (codes[0] == PARTLY) is not any(reason.series for reason in reasons):
        raise BadExchangeFile(f"reason code {codes[0]} does not go with its rejected time series")
    received, revision = (text_of(root, f"received_MarketDocument.{name}") for name in ("mRID", "revisionNumber"))
    if not revision.isdigit():
        raise BadExchangeFile(f"received_MarketDocument.revisionNumber: {revision!r} is no number")
    return Acknowledgement(text_of(root, "mRID"), received, int(revision), tuple(reasons))


def read_bid_identity(data: bytes) -> tuple[str, int, list[str]]:
    """(mRID, revision, mRIDs of the time series) of a ReserveBid document. Raises BadExchangeFile."""
    root = parsed(data, BID_ROOT)
    revision = text_of(root, "revisionNumber")
    if not revision.isdigit():
        raise BadExchangeFile(f"revisionNumber: {revision!r} is no number")
    return text_of(root, "mRID"), int(revision), [text_of(one, "mRID") for one in children_of(root, "Bid_TimeSeries")]


def _reason(element: ElementTree.Element, series: str) -> Reason:
    texts = [(one.text or "").strip() for one in children_of(element, "text")]
    return Reason(text_of(element, "code"), "; ".join(filter(None, texts)), series)
