"""Asks: the board by stage, and one ask's whole chain from the request to the payout."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bidding.models import Ask
from vpp.accounts.models import Principal
from vpp.lib.periods import DeliveryDay
from vpp.lib.units import energy_kwh
from vpp.settlement.models import Performance

BOARD_LIMIT = 200
PAYOUT_LIMIT = 50
State = Ask.State
#: Columns of the board: key, title, what happens next.
STAGES: list[tuple[str, str, str]] = [
    ("asked", gettext_noop("Asked"), gettext_noop("waits for our bid")),
    ("bid", gettext_noop("Bid"), gettext_noop("waits for the utility")),
    ("committed", gettext_noop("Committed"), gettext_noop("to be delivered")),
    ("delivering", gettext_noop("Delivering"), gettext_noop("its day has begun, its numbers are not in yet")),
    ("reported", gettext_noop("Reported"), gettext_noop("the utility has our report")),
    ("settled", gettext_noop("Settled"), gettext_noop("owners are paid for it")),
    ("closed", gettext_noop("Closed without"), gettext_noop("nothing was delivered")),
]
BY_STATE = {
    State.ASKED: "asked", State.BID: "bid", State.DELIVERED: "delivering", State.REPORTED: "reported",
}  # fmt: skip
OPEN_STATES = (State.ASKED, State.BID, State.COMMITTED, State.DELIVERED)


def stage_of(state: str, *, begun: bool, settled: bool) -> str:
    """The column of an ask; `begun`: its delivery day has, `settled`: its owners' payouts are booked."""
    if state == State.COMMITTED:
        return "settled" if settled else "delivering" if begun else "committed"
    if state in (State.DELIVERED, State.REPORTED) and settled:
        return "settled" if state == State.REPORTED else "reported"
    return BY_STATE.get(State(state), "closed")


@dataclass(frozen=True)
class AskCard:
    """An ask as the board shows it."""

    ask: Ask
    peak_kw: float
    requested_kwh: float
    window: str
    settled: bool
    stage: str = ""
    ambiguous: bool = False  # another utility has used the same reference


@dataclass(frozen=True)
class Column:
    key: str
    title: str
    hint: str
    cards: list[AskCard]


def window_text(ask: Ask) -> str:
    """`17:00–19:30`, from the first to after the last interval that asks for something."""
    day = DeliveryDay(ask.delivery_date, ask.time_zone, ask.interval_minutes)
    wanted = np.flatnonzero(np.asarray(ask.quantity_kw))
    if not wanted.size:
        return _("no interval")
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


def board(principal: Principal, at: datetime) -> list[Column]:
    asks = visible_asks(principal)
    uses = Counter(ask.reference for ask in asks)
    cards = [
        replace(
            ask_card(ask),
            ambiguous=uses[ask.reference] > 1,
            stage=stage_of(ask.state, begun=has_begun(ask, at), settled=bool(getattr(ask, "settled", False))),
        )
        for ask in asks
        if ask.state != State.SUPERSEDED
    ]
    return [
        Column(key, _(title), _(hint), [card for card in cards if card.stage == key]) for key, title, hint in STAGES
    ]


def board_zone(columns: list[Column]) -> str:
    """The zone its readers think in: of the newest ask, else UTC."""
    cards = [card for column in columns for card in column.cards]
    return max(cards, key=lambda card: card.ask.delivery_date).ask.time_zone if cards else settings.HOUSE_ZONE


def has_begun(ask: Ask, at: datetime) -> bool:
    return at >= DeliveryDay(ask.delivery_date, ask.time_zone, ask.interval_minutes).start


def open_by_stage(principal: Principal, since: datetime, today: date) -> list[tuple[str, str, int]]:
    """(stage, hint, asks) of the open stages, and of those closed whose delivery day is not before `since`."""
    recent = Q(state__in=OPEN_STATES) | Q(delivery_date__gte=since.date())
    paid = Exists(Performance.objects.filter(award__bid__ask=OuterRef("pk")))
    rows = (
        Ask.objects.visible_to(principal)
        .filter(recent)
        .exclude(state=State.SUPERSEDED)
        .annotate(begun=Q(delivery_date__lte=today), settled=paid)
        .values_list("state", "begun", "settled")
        .annotate(Count("pk"))
        .order_by()
    )
    counts: Counter[str] = Counter()
    for state, begun, settled, count in rows:
        counts[stage_of(state, begun=begun, settled=settled)] += count
    return [(_(title), _(hint), counts[key]) for key, title, hint in STAGES]
