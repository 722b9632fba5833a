"""Bids as files and the answers to them: CSV in a market's layout, and the reserve bid document of the CIM.

Pure text in, text out. What was sent is summed up in a checksum per bid; a receipt that counts other rows or another
checksum is no receipt. The CIM documents are those of IEC 62325-451-7 (ReserveBid_MarketDocument) and 62325-451-1
(Acknowledgement_MarketDocument); element names and codes are recalled, check them against the market's own schema.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

COLUMNS = ("bid", "product", "delivery_start", "delivery_end", "side", "price", "quantity_mw")
RECEIPT = ("bid", "status", "rows", "checksum", "reason")
AWARDS = ("bid", "reference", "delivery_start", "delivery_end", "side", "quantity_mw", "price")
NAMESPACE = "urn:iec62325.351:tc57wg16:451-7:reservebiddocument:7:2"
CODES = {"UP": "A01", "DOWN": "A02"}
ACCEPTED = "A01"


class BadExchangeFile(ValueError):
    """The file cannot be read; the message names row and column."""


@dataclass(frozen=True)
class OrderRow:
    """One step of one bid in one block: from `price` on so much, or a purchase up to it."""

    bid: str
    product: str
    start: datetime
    end: datetime
    side: str
    price: float
    quantity_kw: float
    block: str = ""  # name of the all-or-none block it is part of; those of one bid exclude each other

    def as_text(self) -> list[str]:
        return [
            self.bid, self.product, _moment(self.start), _moment(self.end), self.side, f"{self.price:.2f}",
            f"{self.quantity_kw / 1000.0:.6f}".rstrip("0").rstrip("."),
        ] + ([self.block] if self.block else [])  # fmt: skip


@dataclass(frozen=True)
class Receipt:
    """The market's word on one bid; `rows` and `checksum` are what it says it holds."""

    bid: str
    accepted: bool
    rows: int
    checksum: str
    reason: str


@dataclass(frozen=True)
class AwardedRow:
    bid: str
    reference: str
    start: datetime
    end: datetime
    side: str
    quantity_kw: float
    price: float
    block: str = ""


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def bids_csv(rows: Sequence[OrderRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS + (("block",) if any(row.block for row in rows) else ()))
    writer.writerows(row.as_text() for row in rows)
    return out.getvalue()


def checksum(rows: Sequence[OrderRow]) -> str:
    """Of one bid's rows as they stand in the file."""
    text = "\n".join(",".join(row.as_text()) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()


def _table(text: str, columns: Sequence[str]) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text))
    if missing := set(columns) - set(reader.fieldnames or ()):
        raise BadExchangeFile(f"columns are missing: {', '.join(sorted(missing))}")
    return list(reader)


def read_receipt(text: str) -> list[Receipt]:
    """Raises BadExchangeFile."""
    found = []
    for number, row in enumerate(_table(text, RECEIPT), start=2):
        if row["status"] not in ("ACCEPTED", "REJECTED"):
            raise BadExchangeFile(f"row {number}, status: {row['status']!r}, want ACCEPTED or REJECTED")
        try:
            count = int(row["rows"])
        except ValueError:
            raise BadExchangeFile(f"row {number}, rows: {row['rows']!r} is no number") from None
        found.append(Receipt(row["bid"], row["status"] == "ACCEPTED", count, row["checksum"], row["reason"] or ""))
    return found


def read_awards(text: str) -> list[AwardedRow]:
    """Raises BadExchangeFile."""
    found = []
    for number, row in enumerate(_table(text, AWARDS), start=2):
        try:
            start, end = (datetime.fromisoformat(row[name]) for name in ("delivery_start", "delivery_end"))
            quantity, price = float(row["quantity_mw"]) * 1000.0, float(row["price"])
        except ValueError as error:
            raise BadExchangeFile(f"row {number}: {error}") from None
        if start.tzinfo is None or end.tzinfo is None or end <= start:
            raise BadExchangeFile(f"row {number}: delivery needs a time zone and an end after its start")
        if row["side"] not in ("SELL", "BUY") or quantity < 0:
            raise BadExchangeFile(f"row {number}: side {row['side']!r} or quantity {row['quantity_mw']}")
        found.append(
            AwardedRow(row["bid"], row["reference"], start, end, row["side"], quantity, price, row.get("block") or "")
        )
    return found


def reserve_bid_document(
    rows: Sequence[OrderRow], *, document: str, sender: str, receiver: str, domain: str, created: datetime
) -> str:
    """A ReserveBid_MarketDocument with one time series a bid and step; SELL stands for upward, BUY for downward."""
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}ReserveBid_MarketDocument")

    def add(parent: ElementTree.Element, name: str, text: str = "") -> ElementTree.Element:
        element = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        element.text = text or None
        return element

    add(root, "mRID", document)
    add(root, "revisionNumber", "1")
    add(root, "type", "A37")
    add(root, "sender_MarketParticipant.mRID", sender)
    add(root, "receiver_MarketParticipant.mRID", receiver)
    add(root, "createdDateTime", created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    for number, row in enumerate(rows, start=1):
        series = add(root, "Bid_TimeSeries")
        add(series, "mRID", f"{row.bid}#{number}")
        add(series, "acquiring_Domain.mRID", domain)
        add(series, "quantity_Measurement_Unit.name", "MAW")
        add(series, "divisible", "A01")
        add(series, "flowDirection.direction", CODES["UP" if row.side == "SELL" else "DOWN"])
        period = add(series, "Period")
        interval = add(period, "timeInterval")
        add(interval, "start", _moment(row.start))
        add(interval, "end", _moment(row.end))
        add(period, "resolution", f"PT{int((row.end - row.start).total_seconds() // 60)}M")
        point = add(period, "Point")
        add(point, "position", "1")
        add(point, "quantity.quantity", row.as_text()[-1])
        add(point, "procurement_Price.amount", f"{row.price:.2f}")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def read_acknowledgement(text: str) -> tuple[str, bool, str]:
    """(document, accepted, reason) of an Acknowledgement_MarketDocument. Raises BadExchangeFile."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadExchangeFile("document types and entities are not read")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise BadExchangeFile(f"not XML: {error}") from None
    found: dict[str, list[str]] = {}
    for element in root.iter():
        found.setdefault(element.tag.rpartition("}")[2], []).append((element.text or "").strip())
    document = next(iter(found.get("received_MarketDocument.mRID", [])), "")
    codes = found.get("code", [])
    if root.tag.rpartition("}")[2] != "Acknowledgement_MarketDocument" or not document or not codes:
        raise BadExchangeFile("want an Acknowledgement_MarketDocument with its received document and a reason code")
    return document, codes == [ACCEPTED], "; ".join([*codes, *found.get("text", [])])
