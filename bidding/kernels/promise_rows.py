"""Rows of what is promised: lots, the book, balance, place and feeder; numbers refer to docs/bid.md."""

from __future__ import annotations

import pulp

from bidding.kernels.problem import DOWN, UP, BidProblem
from bidding.kernels.rows import Terms, add_row, carried_terms
from bidding.kernels.variables import Variables
from vpp.lib.units import KW_PER_MW


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
        if product.covers(direction):
            terms += made.reserve[product.code].terms(int(product.block_of_interval[t]))
    return terms + [
        (made.asked[ask.reference][t], 1.0)
        for ask in problem.asks
        if ask.direction == direction and ask.quantity_kw[t] > 0
    ]


def add_admission_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(13) Energy is moved by devices that the market admits, where it does not admit all."""
    if problem.energy is None or not problem.energy.barred or made.sell is None or made.buy is None:
        return
    admitted = [number for number, group in enumerate(problem.groups) if group.name not in problem.energy.barred]
    for t in range(problem.n_intervals):
        block = int(problem.energy.block_of_interval[t])
        for position, moved in ((made.sell, made.up), (made.buy, made.down)):
            add_row(lp, [*position.terms(block), *((moved[number][t], -1.0) for number in admitted)], -1, 0.0)


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
    room = problem.recovery_room()
    for t in range(problem.n_intervals):
        block = int(problem.energy.block_of_interval[t])
        most_mw = float(room.either_kw[t]) / KW_PER_MW
        if most_mw > 0:
            on = [(made.sell.on[block], most_mw), (made.buy.on[block], most_mw)]
            add_row(lp, [(made.surplus[t], 1.0), (made.deficit[t], 1.0), *on], -1, most_mw)


def add_ask_location_rows(lp: pulp.LpProblem, problem: BidProblem, made: Variables) -> None:
    """(11) An ask is delivered behind its congestion point: the feeder's own groups move at least that much."""
    places = {(ask.feeder, ask.direction) for ask in problem.asks if ask.bound_to_place}
    for feeder, direction in sorted(places):
        here = [ask for ask in problem.asks if ask.feeder == feeder and ask.direction == direction]
        asks = [ask for ask in here if ask.bound_to_place]
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
                    terms += carried_terms(problem, made, direction, g, t)
                add_row(lp, terms, -1, room_kw / KW_PER_MW)
