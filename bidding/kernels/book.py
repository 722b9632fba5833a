"""The independent check of the commitment book: plain loops over plain numbers, nothing shared with the optimiser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TOLERANCE_KW = 1e-6


@dataclass(frozen=True)
class Promise:
    """One bid or award: direction "UP" or "DOWN", quantity_kw per interval (T,), and the lot and minimum it
    must keep.
    """

    label: str
    direction: str
    quantity_kw: Sequence[float]
    lot_kw: float = 0.0
    min_quantity_kw: float = 0.0


@dataclass(frozen=True)
class BookFinding:
    """A broken rule: which promise or "all", the interval, and the numbers."""

    label: str
    rule: str
    interval: int
    value_kw: float
    limit_kw: float


def check_book(
    promises: Iterable[Promise], *, capacity_up_kw: Sequence[float], capacity_down_kw: Sequence[float]
) -> list[BookFinding]:
    """All places where promises together exceed the capacity of a direction, or one is negative, off-lot or
    too small.
    """
    findings: list[BookFinding] = []
    total = {"UP": [0.0] * len(capacity_up_kw), "DOWN": [0.0] * len(capacity_down_kw)}
    for promise in promises:
        findings += check_promise(promise)
        for interval, quantity in enumerate(promise.quantity_kw):
            total[promise.direction][interval] += quantity
    for direction, capacity in (("UP", capacity_up_kw), ("DOWN", capacity_down_kw)):
        for interval, promised in enumerate(total[direction]):
            if promised > capacity[interval] + TOLERANCE_KW:
                findings.append(
                    BookFinding("all", f"sold_twice_{direction.lower()}", interval, promised, capacity[interval])
                )
    return findings


def check_promise(promise: Promise) -> list[BookFinding]:
    findings = []
    for interval, quantity in enumerate(promise.quantity_kw):
        if quantity < 0:
            findings.append(BookFinding(promise.label, "negative", interval, quantity, 0.0))
        if 0 < quantity < promise.min_quantity_kw - TOLERANCE_KW:
            findings.append(BookFinding(promise.label, "below_minimum", interval, quantity, promise.min_quantity_kw))
        if promise.lot_kw > 0:
            lots = round(quantity / promise.lot_kw)
            if abs(quantity - lots * promise.lot_kw) > 1e-4:
                findings.append(BookFinding(promise.label, "not_whole_lots", interval, quantity, promise.lot_kw))
    return findings
