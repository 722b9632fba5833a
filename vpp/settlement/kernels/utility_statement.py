"""The other side's settlement of flexibility orders: read from CSV or a UFTP FlexSettlement.

Power is kW in the direction of the order, non-negative where it was met. Intervals count from 1 on the local day.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

from vpp.lib.numbers import finite

WATTS_PER_KW = 1000.0
CSV_COLUMNS = ("order", "date", "isp", "ordered_kw", "delivered_kw", "deficiency_kw", "net_amount")


class StatementUnreadable(ValueError):
    """The document cannot be read; says where."""


@dataclass(frozen=True, slots=True)
class TheirInterval:
    """What they say of one interval of an order; None where they say nothing."""

    order: str
    delivery_date: date
    isp: int
    ordered_kw: float | None = None
    delivered_kw: float | None = None
    deficiency_kw: float | None = None
    net_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TheirStatement:
    """All intervals, and the net amount of each order where it is given as a whole."""

    currency: str
    intervals: Sequence[TheirInterval]
    net_by_order: Mapping[str, Decimal]


def read_csv(text: str, currency: str = "EUR") -> TheirStatement:
    """Columns order, date, isp, and any of ordered_kw, delivered_kw, deficiency_kw, net_amount. Raises
    StatementUnreadable with the line."""
    reader = csv.DictReader(io.StringIO(text))
    intervals = []
    try:
        columns = set(reader.fieldnames or ())
        if missing := {"order", "date", "isp"} - columns:
            raise StatementUnreadable(f"column {', '.join(sorted(missing))} is missing")
        if unknown := sorted(columns - set(CSV_COLUMNS) - {"currency"}):
            raise StatementUnreadable(f"column {', '.join(unknown)} is unknown")
        for row in reader:
            intervals.append(_csv_interval(row))
    except StatementUnreadable:
        raise
    except (ValueError, csv.Error) as error:
        raise StatementUnreadable(f"line {reader.line_num}: {error}") from error
    _refuse_repeats(intervals)
    net: dict[str, Decimal] = {}
    for one in intervals:
        if one.net_amount is not None:
            net[one.order] = net.get(one.order, Decimal(0)) + one.net_amount
    return TheirStatement(currency, intervals, net)


def _csv_interval(row: Mapping[str, str | None]) -> TheirInterval:
    def power(field: str) -> float | None:
        text = (row.get(field) or "").strip()
        return float(finite(text)) if text else None

    amount = (row.get("net_amount") or "").strip()
    return TheirInterval(
        order=str(row["order"]).strip(),
        delivery_date=date.fromisoformat(str(row["date"]).strip()),
        isp=_isp(int(str(row["isp"]))),
        ordered_kw=power("ordered_kw"),
        delivered_kw=power("delivered_kw"),
        deficiency_kw=power("deficiency_kw"),
        net_amount=finite(amount) if amount else None,
    )


def read_flex_settlement(text: str) -> TheirStatement:
    """A UFTP FlexSettlement message: integer W, run-length `Duration`, ISPs from 1. Raises StatementUnreadable.

    Zero `ContractSettlement` elements are taken, as the documents allow and one schema does not. The sign of the flex
    power tells the direction; delivered power counts along it.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise StatementUnreadable("a document type is not accepted")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise StatementUnreadable(f"not XML: {error}") from error
    if _tag(root) != "FlexSettlement":
        raise StatementUnreadable(f"a {_tag(root)} is not a FlexSettlement")
    intervals: list[TheirInterval] = []
    net: dict[str, Decimal] = {}
    for order in (node for node in root.iter() if _tag(node) == "FlexOrderSettlement"):
        try:
            reference = order.attrib["OrderReference"]
            day = date.fromisoformat(order.attrib["Period"][:10])
            if "NetSettlement" in order.attrib:
                net[reference] = net.get(reference, Decimal(0)) + finite(order.attrib["NetSettlement"])
            for node in (child for child in order if _tag(child) == "ISP"):
                intervals.extend(_uftp_intervals(reference, day, node.attrib))
        except (KeyError, ValueError) as error:
            raise StatementUnreadable(f"FlexOrderSettlement: {error!r}") from error
    _refuse_repeats(intervals)
    return TheirStatement(root.attrib.get("Currency", "EUR"), intervals, net)


def _uftp_intervals(reference: str, day: date, isp: Mapping[str, str]) -> Iterable[TheirInterval]:
    ordered_w = int(isp["OrderedFlexPower"])
    sign = -1 if ordered_w < 0 else 1
    delivered = sign * int(isp["DeliveredFlexPower"]) / WATTS_PER_KW if "DeliveredFlexPower" in isp else None
    short = abs(int(isp["PowerDeficiency"])) / WATTS_PER_KW if "PowerDeficiency" in isp else None
    first = int(isp["Start"])
    for number in range(first, first + int(isp.get("Duration", "1"))):
        yield TheirInterval(reference, day, _isp(number), abs(ordered_w) / WATTS_PER_KW, delivered, short)


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _isp(number: int) -> int:
    if not 1 <= number <= 100:
        raise ValueError(f"interval {number} is not of a day")
    return number


def _refuse_repeats(intervals: Sequence[TheirInterval]) -> None:
    seen = set()
    for one in intervals:
        if (key := (one.order, one.isp)) in seen:
            raise StatementUnreadable(f"order {one.order}: interval {one.isp} stands twice")
        seen.add(key)
