"""Asks: the board by stage, and one ask's whole chain from the request to the payout."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from django.db.models import Count, Exists, OuterRef, Q

from bidding.models import Ask
from vpp.accounts.models import Principal
from vpp.lib.periods import DeliveryDay
from vpp.lib.units import energy_kwh
from vpp.settlement.models import Performance

BOARD_LIMIT = 200
PAYOUT_LIMIT = 50
State = Ask.State
#: Columns of the board: title, states, what happens next.
STAGES: list[tuple[str, tuple[str, ...], str]] = [
    ("Asked", (State.ASKED,), "waits for our bid"),
    ("Bid", (State.BID,), "waits for the utility"),
    ("Committed", (State.COMMITTED,), "to be delivered"),
    ("Delivered", (State.DELIVERED,), "waits for settlement"),
    ("Reported", (State.REPORTED,), "settled and reported"),
    ("Closed without", (State.NO_BID, State.REJECTED, State.EXPIRED, State.WITHDRAWN), "nothing was delivered"),
]
OPEN_STATES = (State.ASKED, State.BID, State.COMMITTED, State.DELIVERED)


@dataclass(frozen=True)
class AskCard:
    """An ask as the board shows it."""

    ask: Ask
    peak_kw: float
    requested_kwh: float
    window: str
    settled: bool
    ambiguous: bool = False  # another utility has used the same reference


@dataclass(frozen=True)
class Column:
    title: str
    hint: str
    cards: list[AskCard]


def window_text(ask: Ask) -> str:
    """`17:00–19:30`, from the first to after the last interval that asks for something."""
    day = DeliveryDay(ask.delivery_date, ask.time_zone, ask.interval_minutes)
    wanted = np.flatnonzero(np.asarray(ask.quantity_kw))
    if not wanted.size:
        return "no interval"
    labels = [*day.local_labels(), "24:00"]
    return f"{labels[wanted[0]]}–{labels[min(wanted[-1] + 1, len(labels) - 1)]}"


def ask_card(ask: Ask) -> AskCard:
    quantity = np.asarray(ask.quantity_kw)
    peak = float(quantity.max()) if quantity.size else 0.0
    energy = float(energy_kwh(quantity.sum(), ask.interval_minutes))
    return AskCard(ask, peak, energy, window_text(ask), bool(getattr(ask, "settled", False)))


def visible_asks(principal: Principal) -> list[Ask]:
    """The newest asks by delivery date, each marked with whether it is settled."""
    settled = Performance.objects.filter(award__bid__ask=OuterRef("pk"))
    return list(
        Ask.objects.visible_to(principal)
        .select_related("utility", "congestion_point__feeder")
        .annotate(settled=Exists(settled))
        .order_by("-delivery_date", "reference")[:BOARD_LIMIT]
    )


def board(principal: Principal) -> list[Column]:
    asks = visible_asks(principal)
    uses = Counter(ask.reference for ask in asks)
    cards = [replace(ask_card(ask), ambiguous=uses[ask.reference] > 1) for ask in asks]
    return [Column(title, hint, [card for card in cards if card.ask.state in states]) for title, states, hint in STAGES]


def open_by_stage(principal: Principal, since: datetime) -> list[tuple[str, str, int]]:
    """(stage, hint, asks) of the open stages, and of those closed whose delivery day is not before `since`."""
    recent = Q(state__in=OPEN_STATES) | Q(delivery_date__gte=since.date())
    rows = dict(Ask.objects.visible_to(principal).filter(recent).values_list("state").annotate(Count("pk")).order_by())
    return [(title, hint, sum(rows.get(state, 0) for state in states)) for title, states, hint in STAGES]
