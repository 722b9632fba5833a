"""From a forecast day to asks: what breaks, what would cure it, and the asks that a utility could send for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bidding.distribution.asks import AskContent, receive_ask
from bidding.errors import UnknownCongestionPoint
from bidding.grid.injections import FeederDay, feeder_day, node_weights, portfolios_on, version_names
from bidding.models import Ask, Direction
from vpp.accounts.models import Participant
from vpp.enrollment.queries import device_table
from vpp.lib.periods import DeliveryDay
from vpp.network.models import CongestionPoint, TopologyVersion

if TYPE_CHECKING:
    from vpp.network.kernels.needs import Need

MARGIN_PU = 0.1  # asked beyond the need: a forecast is no promise
LEAST_REACH_PU = 0.05  # nobody asks for twenty times the need
SERVICE_KINDS = {
    "overload": Ask.ServiceKind.CONGESTION,
    "power_limit": Ask.ServiceKind.CONGESTION,
    "reverse_flow": Ask.ServiceKind.REVERSE_FLOW,
    "undervoltage": Ask.ServiceKind.VOLTAGE,
    "overvoltage": Ask.ServiceKind.VOLTAGE,
}


@dataclass(frozen=True)
class FeederNeeds:
    """The needs of a feeder's day, the worst first, each in the switching state of its intervals.

    flexible_pu : (N,) where the flexibility is, as shares of 1; zeros where nobody has any.
    """

    known: FeederDay
    needs: tuple[Need, ...]
    flexible_pu: NDArray[np.float64]

    def states_of(self, quantity: NDArray[np.float64]) -> list[TopologyVersion]:
        """The switching states of the intervals in which something is wanted."""
        return [state for span, state in self.known.spans if state is not None and quantity[span].any()]


def feeder_needs(feeder_code: str, day: DeliveryDay, at: datetime, *, reactive_voltage: bool = False) -> FeederNeeds:
    """Needs at the nodes where usable devices are; everywhere on a feeder without any.

    Raises UnknownFeeder, NoForecast.
    """
    return needs_of(feeder_day(feeder_code, day, at), at, reactive_voltage=reactive_voltage)


def needs_of(known: FeederDay, at: datetime, *, reactive_voltage: bool = False) -> FeederNeeds:
    """`feeder_needs` of a day that is read already."""
    from vpp.network.kernels.needs import find_needs

    feeder_code = known.feeder.code
    flexible = np.zeros(len(known.model.nodes.codes))
    for portfolio_id in portfolios_on(feeder_code):
        table = device_table(at=at, portfolio_id=portfolio_id)
        nodes, weights = node_weights(table, feeder_code, known.model)
        flexible[nodes] += weights * float((table.max_consumption_kw + table.max_production_kw)[table.usable()].sum())
    found = find_needs(
        known.model,
        known.p_kw,
        known.q_kvar,
        power_limits=known.power_limits,
        candidates=flexible > 0 if flexible.any() else None,
        reactive_voltage=reactive_voltage,
        states=known.states,
    )
    return FeederNeeds(known, tuple(found), flexible / flexible.sum() if flexible.any() else flexible)


def draft_asks(
    found: FeederNeeds,
    *,
    gate_at: datetime,
    expires_at: datetime,
    ceiling_price_per_mwh: float,
    margin_pu: float = MARGIN_PU,
) -> list[AskContent]:
    """One ask per need and congestion point that reaches it, with a margin for the forecast's error.

    A need is put to the congestion point at its own element, or else to the one at the feeder's transformer or head.
    Needs of one direction and kind of power at one point are one ask: the sum, as each counts on those before it. An
    ask cannot choose nodes: it is as much larger than the need at the best node as the flexibility lies worse.
    """
    drafts: dict[tuple[str, bool, bool], AskContent] = {}
    for need in found.needs:
        point = _point_of(found.known, need.element_code)
        key = (point, need.up, need.reactive)
        quantity = np.ceil(need.quantity / _reach(found, need) * (1 + margin_pu) * 10) / 10
        if key in drafts:
            quantity = quantity + np.array(_quantity(drafts[key]))
        states = found.states_of(quantity)
        normal = all(state.normal for state in found.states_of(need.quantity))
        service = SERVICE_KINDS[need.kind] if normal else Ask.ServiceKind.SWITCHING
        none = [0.0] * quantity.size
        drafts[key] = AskContent(
            reference=_reference(found, point, need),
            congestion_point=point,
            direction=Direction.UP if need.up else Direction.DOWN,
            delivery_date=found.known.day.date,
            interval_minutes=15,
            quantity_kw=none if need.reactive else quantity.tolist(),
            quantity_kvar=quantity.tolist() if need.reactive else None,
            power_kind=Ask.PowerKind.REACTIVE if need.reactive else Ask.PowerKind.REAL,
            service_kind=drafts[key].service_kind if key in drafts else str(service),
            ceiling_price_per_mwh=ceiling_price_per_mwh,
            gate_at=gate_at,
            expires_at=expires_at,
            topology_version=version_names(states),
        )
    return list(drafts.values())


def issue_asks(drafts: Sequence[AskContent], *, utility: Participant, at: datetime, actor: object) -> list[Ask]:
    """Send drafted asks into the market as that utility's. A draft whose reference stands with other content becomes
    its next revision. Raises what `receive_ask` raises."""
    asks = []
    for draft in drafts:
        earlier = Ask.objects.filter(utility=utility, reference=draft.reference).order_by("-revision").first()
        if earlier is not None and list(earlier.quantity_kw) != list(draft.quantity_kw):
            draft = replace(draft, revision=earlier.revision + 1)
        elif earlier is not None:
            draft = replace(draft, revision=earlier.revision)
        asks.append(receive_ask(utility=utility, content=draft, at=at, actor=actor)[0])
    return asks


def _reach(found: FeederNeeds, need: Need) -> float:
    """Share of a kW spread over all flexibility that helps as much as one at the best node."""
    spread = float(found.flexible_pu @ need.relief_pu) if found.flexible_pu.any() else 1.0
    return min(max(spread, LEAST_REACH_PU), 1.0)


def _quantity(draft: AskContent) -> Sequence[float]:
    return draft.quantity_kvar if draft.quantity_kvar is not None else draft.quantity_kw


def _reference(found: FeederNeeds, point: str, need: Need) -> str:
    direction, kind = ("up" if need.up else "down"), ("kvar" if need.reactive else "kw")
    return f"need:{point.rsplit(':', 1)[-1]}:{found.known.day.date}:{direction}:{kind}"


def _point_of(known: FeederDay, element_code: str) -> str:
    points = list(
        CongestionPoint.objects.filter(feeder=known.feeder)
        .order_by("code")
        .values_list("code", "transformer__code", "branch__code")
    )
    own = [code for code, transformer, branch in points if element_code in (transformer, branch, code)]
    heads = [code for code, _, branch in points if branch is None]
    if not own and not heads:
        message = f"feeder {known.feeder.code} has no congestion point to ask at"
        raise UnknownCongestionPoint(message, feeder=known.feeder.code)
    return (own or heads)[0]
