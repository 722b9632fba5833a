"""Bids as files and the answers to them: CSV in a market's layout. CIM documents are in `cim`.

Pure text in, text out. What was sent is summed up in a checksum per bid; a receipt that counts other rows or another
checksum is no receipt.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vpp.lib.numbers import finite
from vpp.lib.units import KW_PER_MW

COLUMNS = ("bid", "product", "delivery_start", "delivery_end", "side", "price", "quantity_mw")
RECEIPT = ("bid", "status", "rows", "checksum", "reason")
AWARDS = ("bid", "reference", "delivery_start", "delivery_end", "side", "quantity_mw", "price")
CANCELLATIONS = ("award", "reference", "reason")


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
            self.bid, self.product, _moment(self.start), _moment(self.end), self.side, price_text(self.price),
            f"{self.quantity_kw / KW_PER_MW:.6f}".rstrip("0").rstrip("."),
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
    corrects: str = ""


@dataclass(frozen=True)
class CancelledRow:
    """An award that the market takes back: its reference, that of the cancellation, and why."""

    award: str
    reference: str
    reason: str


def price_text(price: float) -> str:
    """With cents, and as many digits more as a product's tick may have."""
    whole, _, digits = f"{price:.4f}".partition(".")
    return f"{whole}.{digits[:2]}{digits[2:].rstrip('0')}"


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
    try:
        if missing := set(columns) - set(reader.fieldnames or ()):
            raise BadExchangeFile(f"columns are missing: {', '.join(sorted(missing))}")
        return list(reader)
    except csv.Error as error:
        raise BadExchangeFile(f"line {reader.line_num}: {error}") from None


def read_receipt(text: str) -> list[Receipt]:
    """Raises BadExchangeFile."""
    found = []
    for number, row in enumerate(_table(text, RECEIPT), start=2):
        if row["status"] not in ("ACCEPTED", "REJECTED"):
            raise BadExchangeFile(f"row {number}, status: {row['status']!r}, want ACCEPTED or REJECTED")
        try:
            count = int(row["rows"])
        except (ValueError, TypeError):
            raise BadExchangeFile(f"row {number}, rows: {row['rows']!r} is no number") from None
        found.append(Receipt(row["bid"], row["status"] == "ACCEPTED", count, row["checksum"], row["reason"] or ""))
    return found


def read_awards(text: str) -> list[AwardedRow]:
    """Raises BadExchangeFile."""
    found = []
    for number, row in enumerate(_table(text, AWARDS), start=2):
        try:
            start, end = (datetime.fromisoformat(row[name]) for name in ("delivery_start", "delivery_end"))
            quantity, price = float(finite(row["quantity_mw"])) * KW_PER_MW, float(finite(row["price"]))
        except (ValueError, TypeError) as error:  # the latter where a row is short
            raise BadExchangeFile(f"row {number}: {error}") from None
        if start.tzinfo is None or end.tzinfo is None or end <= start:
            raise BadExchangeFile(f"row {number}: delivery needs a time zone and an end after its start")
        if row["side"] not in ("SELL", "BUY") or quantity < 0:
            raise BadExchangeFile(f"row {number}: side {row['side']!r} or quantity {row['quantity_mw']}")
        found.append(
            AwardedRow(
                row["bid"], row["reference"], start, end, row["side"], quantity, price, row.get("block") or "",
                row.get("corrects") or "",
            )
        )  # fmt: skip
    return found


def read_cancellations(text: str) -> list[CancelledRow]:
    """Raises BadExchangeFile."""
    found = []
    for number, row in enumerate(_table(text, CANCELLATIONS), start=2):
        if not row["award"] or not row["reference"]:
            raise BadExchangeFile(f"row {number}: award and reference are needed")
        found.append(CancelledRow(row["award"], row["reference"], row["reason"] or ""))
    return found
