"""The rows of the bid problem, one small function per family; numbers in brackets refer to docs/bid.md."""

from __future__ import annotations

from collections.abc import Iterable

import pulp

from bidding.kernels.problem import DOWN, UP, BidProblem
from bidding.kernels.variables import KW_PER_MW, Variables

Terms = list[tuple[pulp.LpVariable, float]]


def add_all_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    add_energy_rows(lp, problem, made)
    add_headroom_rows(lp, problem, made)
    add_endurance_rows(lp, problem, made)
    add_direction_rows(lp, problem, made)
    add_owner_rows(lp, problem, made)
    add_reserve_rows(lp, problem, made)
    add_lot_rows(lp, problem, made)
    add_book_rows(lp, problem, made)
    add_balance_rows(lp, problem, made)
    add_recovery_rows(lp, problem, made)
    add_ask_location_rows(lp, problem, made)
    add_feeder_rows(lp, problem, made)


def add_row(lp: pulp.LpProblem, terms: Iterable[tuple[pulp.LpVariable, float]], sense: int, rhs: float) -> None:
    """terms (sense) rhs with sense -1 for <=, 0 for =, 1 for >=. A repeated variable is summed."""
    lp.addConstraint(pulp.LpConstraint(pulp.LpAffineExpression(_summed(terms)), sense=sense, rhs=float(rhs)))


def _summed(terms: Iterable[tuple[pulp.LpVariable, float]]) -> Terms:
    total: dict[int, tuple[pulp.LpVariable, float]] = {}
    for variable, factor in terms:
        earlier = total.get(id(variable))
        total[id(variable)] = (variable, factor if earlier is None else earlier[1] + factor)
    return list(total.values())


def add_energy_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(1) Stored energy from one interval to the next, with the expected activation of reserves; (1b) at the
    day's end.
    """
    hours = problem.step_hours
    for g, group in enumerate(problem.groups):
        if group.energy_min_kwh is None or group.energy_max_kwh is None:
            continue
        gain, loss = hours * group.charge_efficiency, hours / group.discharge_efficiency
        for t in range(problem.n_intervals):
            terms: Terms = [(made.energy[g][t], 1.0), (made.down[g][t], -gain), (made.up[g][t], loss)]
            for product in problem.reserves:
                factor = loss if product.direction == UP else -gain
                if product.activation_pu:
                    terms.append((made.carried[product.code][g][t], factor * product.activation_pu))
            rhs = group.retention * group.energy_start_kwh / KW_PER_MW if t == 0 else 0.0
            if t:
                terms.append((made.energy[g][t - 1], -group.retention))
            add_row(lp, terms, 0, rhs)
        last = problem.n_intervals - 1
        add_row(lp, [(made.energy[g][last], 1.0), (made.missing[g][-1], 1.0)], 1, group.energy_end_kwh / KW_PER_MW)


def add_headroom_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(2) A kilowatt appears once: movement plus all reserve carried stays within the group's power."""
    if not problem.reserves:
        return
    for g, group in enumerate(problem.groups):
        for t in range(problem.n_intervals):
            for direction, ahead, back, limit in (
                (UP, made.up, made.down, group.up_limit_kw),
                (DOWN, made.down, made.up, group.down_limit_kw),
            ):
                carried = _carried(problem, made, direction, g, t)
                if carried:
                    terms = [(ahead[g][t], 1.0), (back[g][t], -1.0), *carried]
                    add_row(lp, terms, -1, limit[t] / KW_PER_MW)


def add_endurance_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(3) Enough energy, and enough room, to hold every reserve for its endurance; missing energy is a named
    shortfall.
    """
    for g, group in enumerate(problem.groups):
        if group.energy_min_kwh is None or group.energy_max_kwh is None:
            continue
        for t in range(problem.n_intervals):
            floor: Terms = [(made.energy[g][t], 1.0), (made.missing[g][t], 1.0)]
            roof: Terms = [(made.energy[g][t], 1.0)]
            for product in problem.reserves:
                carried = made.carried[product.code][g][t]
                if product.direction == UP:
                    floor.append((carried, -product.endurance_h / group.discharge_efficiency))
                else:
                    roof.append((carried, product.endurance_h * group.charge_efficiency))
            add_row(lp, floor, 1, group.energy_min_kwh[t] / KW_PER_MW)
            add_row(lp, roof, -1, group.energy_max_kwh[t] / KW_PER_MW)


def add_direction_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(4) Up and down share the power: the cheap row everywhere it matters, a binary only where it proved necessary."""
    for g, group in enumerate(problem.groups):
        if not group.loses_energy:
            continue
        for t in range(problem.n_intervals):
            up_mw, down_mw = group.up_limit_kw[t] / KW_PER_MW, group.down_limit_kw[t] / KW_PER_MW
            if up_mw <= 0 or down_mw <= 0:
                continue
            binary = made.direction.get((g, t))
            if binary is None:
                add_row(lp, [(made.up[g][t], 1.0 / up_mw), (made.down[g][t], 1.0 / down_mw)], -1, 1.0)
            else:
                add_row(lp, [(made.up[g][t], 1.0), (binary, -up_mw)], -1, 0.0)
                add_row(lp, [(made.down[g][t], 1.0), (binary, down_mw)], -1, down_mw)


def add_owner_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(5) Owner terms: at most so many hours a day at full up power."""
    for g, group in enumerate(problem.groups):
        peak_mw = float(group.up_limit_kw.max(initial=0.0)) / KW_PER_MW
        if group.max_up_hours < problem.n_intervals * problem.step_hours:
            terms = [(variable, problem.step_hours) for variable in made.up[g]]
            add_row(lp, terms, -1, group.max_up_hours * peak_mw)


def add_reserve_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(6) What is sold (and what was awarded before) is carried by groups in every interval of its block."""
    for product in problem.reserves:
        committed = problem.committed_reserve_kw.get(product.code)
        for t in range(problem.n_intervals):
            terms: Terms = [(column[t], 1.0) for column in made.carried[product.code]]
            terms += made.reserve[product.code].terms(int(product.block_of_interval[t]), -1.0)
            if committed is not None:
                terms.append((made.reserve_missed[product.code][t], 1.0))
            add_row(lp, terms, 0, 0.0 if committed is None else committed[t] / KW_PER_MW)


def add_lot_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(7) Whole lots, nothing or at least the minimum, never both sides of one market time unit."""
    for position in made.positions:
        for block, on in enumerate(position.on):
            add_row(lp, [*position.terms(block), (on, -position.min_mw)], 1, 0.0)
            add_row(lp, [*position.terms(block), (on, -float(position.max_mw[block]))], -1, 0.0)
    if made.sell is not None and made.buy is not None:
        for sell_on, buy_on in zip(made.sell.on, made.buy.on, strict=True):
            add_row(lp, [(sell_on, 1.0), (buy_on, 1.0)], -1, 1.0)


def add_book_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(8) All new promises of one direction together stay within what the commitment book has free."""
    for t in range(problem.n_intervals):
        for direction, energy, free in (
            (UP, made.sell, problem.book_up_kw),
            (DOWN, made.buy, problem.book_down_kw),
        ):
            terms = promised_terms(problem, made, direction, t)
            if energy is not None and problem.energy is not None:
                terms += energy.terms(int(problem.energy.block_of_interval[t]))
            if terms:
                add_row(lp, terms, -1, free[t] / KW_PER_MW)


def promised_terms(problem: BidProblem, made: Variables, direction: str, t: int) -> Terms:
    """Reserve and ask quantities of one direction in interval t."""
    terms: Terms = []
    for product in problem.reserves:
        if product.direction == direction:
            terms += made.reserve[product.code].terms(int(product.block_of_interval[t]))
    return terms + [
        (made.asked[ask.reference][t], 1.0)
        for ask in problem.asks
        if ask.direction == direction and ask.quantity_kw[t] > 0
    ]


def add_balance_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(9) The plan is the net position, the asks, what was committed before, and recovery."""
    for t in range(problem.n_intervals):
        terms: Terms = [(column[t], 1.0) for column in made.up] + [(column[t], -1.0) for column in made.down]
        if made.sell is not None and made.buy is not None and problem.energy is not None:
            block = int(problem.energy.block_of_interval[t])
            terms += made.sell.terms(block, -1.0) + made.buy.terms(block, 1.0)
        for ask in problem.asks:
            if ask.quantity_kw[t] > 0:
                terms.append((made.asked[ask.reference][t], -1.0 if ask.direction == UP else 1.0))
        terms += [
            (made.surplus[t], -1.0),
            (made.deficit[t], 1.0),
            (made.missed_up[t], 1.0),
            (made.missed_down[t], -1.0),
        ]
        add_row(lp, terms, 0, problem.committed_net_up_kw[t] / KW_PER_MW)


def add_recovery_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(10) No recovery in an hour that is sold or bought: an award is never planned to be missed."""
    if made.sell is None or made.buy is None or problem.energy is None:
        return
    for t in range(problem.n_intervals):
        block = int(problem.energy.block_of_interval[t])
        most_mw = max(made.surplus[t].upBound, made.deficit[t].upBound)
        if most_mw > 0:
            on = [(made.sell.on[block], most_mw), (made.buy.on[block], most_mw)]
            add_row(lp, [(made.surplus[t], 1.0), (made.deficit[t], 1.0), *on], -1, most_mw)


def add_ask_location_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(11) An ask is delivered behind its congestion point: the feeder's own groups move at least that much."""
    places = {(ask.feeder, ask.direction) for ask in problem.asks}
    for feeder, direction in sorted(places):
        asks = [ask for ask in problem.asks if ask.feeder == feeder and ask.direction == direction]
        members = [g for g, group in enumerate(problem.groups) if group.feeder == feeder]
        sign = 1.0 if direction == UP else -1.0
        for t in range(problem.n_intervals):
            wanted = [(made.asked[ask.reference][t], -1.0) for ask in asks if ask.quantity_kw[t] > 0]
            if wanted:
                moved = [(made.up[g][t], sign) for g in members] + [(made.down[g][t], -sign) for g in members]
                add_row(lp, [*moved, *wanted], 1, 0.0)


def add_feeder_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(12) Feeder limits with all reserve activated. Where the baseline already breaks one, nothing makes it worse."""
    for feeder in problem.feeders:
        members = [g for g, group in enumerate(problem.groups) if group.feeder == feeder.feeder]
        if not members:
            continue
        for t in range(problem.n_intervals):
            room_out_kw = max(float(feeder.export_limit_kw[t] + feeder.base_kw[t]), 0.0)
            room_in_kw = max(float(feeder.import_limit_kw[t] - feeder.base_kw[t]), 0.0)
            for direction, sign, room_kw in ((UP, 1.0, room_out_kw), (DOWN, -1.0, room_in_kw)):
                if room_kw == float("inf"):
                    continue
                terms: Terms = [(made.up[g][t], sign) for g in members] + [(made.down[g][t], -sign) for g in members]
                for g in members:
                    terms += _carried(problem, made, direction, g, t)
                add_row(lp, terms, -1, room_kw / KW_PER_MW)


def _carried(problem: BidProblem, made: Variables, direction: str, g: int, t: int) -> Terms:
    return [(made.carried[p.code][g][t], 1.0) for p in problem.reserves if p.direction == direction]
