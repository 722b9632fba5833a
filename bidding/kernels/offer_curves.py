"""From a firm plan to price-quantity curves of which every outcome can be delivered (docs/bid.md, section 5).

Around the firm position of each block a curve may sell more (or buy less) when the price is high, and the other way
round when it is low. Which blocks clear how is the market's choice, so every mixture must be possible: two extreme
schedules are kept feasible, one where every block clears at its highest, one at its lowest. Each group moves up in
the one at least as much as in the plan, in the other at most; its energy falls with every kilowatt moved up, so any
mixture runs between the two and within all limits. Reserve carried is the same in all three.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bidding.kernels.co_optimise import BidPlan, build
from bidding.kernels.held import SLACK_MW, block_lots, held_but_movement
from bidding.kernels.problem import BidProblem, EnergyProduct, FloatArray
from bidding.kernels.reading import read_model
from bidding.kernels.solver import LinearModel, SolverOptions, Status, solve
from bidding.kernels.variables import Variables, take
from vpp.lib.units import KW_PER_MW

QUICK_S = 20.0  # the last resort: nodes end the search, so that a resumed run finds the same steps
WORTH_EUR = 0.01  # expected gain of a lot below which no step is offered
Points = list[list[float]]


@dataclass(frozen=True)
class Steps:
    """Per block (B,): extra lots at high prices and at low ones, and the prices where they begin and end."""

    high_lots: FloatArray
    low_lots: FloatArray
    high_price: FloatArray
    low_price: FloatArray


def energy_curve(
    problem: BidProblem, plan: BidPlan, scenarios: FloatArray, options: SolverOptions, *, floor: float, cap: float,
    tick: float,
) -> list[Points] | None:  # fmt: skip
    """Per block the rising [[price, kW], ...]; None where there is nothing to add or the plan cannot be held.

    scenarios (S, B): equally likely prices of the energy product's blocks.
    """
    if problem.energy is None or plan.missed_promises or scenarios.shape[0] < 2:
        return None
    lp, made = build(problem)
    model = read_model(lp)
    held = held_but_movement(problem, plan, made, model, options)
    if held is None or made.sell is None or made.buy is None:
        return None
    energy = problem.energy
    firm = block_lots(energy, plan.sell_kw - plan.buy_kw)
    high, low = thresholds(problem, energy, firm, tick=tick, floor=floor, cap=cap)
    gains = (
        np.maximum(scenarios - high, 0.0).mean(axis=0),
        np.maximum(low - scenarios, 0.0).mean(axis=0),
    )
    up = _extreme(problem, plan, made, held, firm, gains[0], options, upward=True)
    down = _extreme(problem, plan, made, held, firm, gains[1], options, upward=False)
    if not up.any() and not down.any():
        return None
    return points_of(firm, Steps(up, down, high, low), energy.lot_kw, floor)


def thresholds(
    problem: BidProblem, energy: EnergyProduct, firm: FloatArray, *, tick: float, floor: float, cap: float
) -> tuple[FloatArray, FloatArray]:
    """(B,) prices above which more is sold (or less bought), and below which less is sold (or more bought).

    A stored MWh is worth what lies between the plan's purchases and its sales; wear and losses stand on either side.
    """
    price = energy.price_eur_per_mwh
    bought, sold = price[firm < 0], price[firm > 0]
    worth = 0.5 * (
        (float(bought.max()) if bought.size else float(np.quantile(price, 0.25)))
        + (float(sold.min()) if sold.size else float(np.quantile(price, 0.75)))
    )
    storages = [group for group in problem.groups if group.loses_energy]
    loss = max((1.0 / group.discharge_efficiency for group in storages), default=1.0)
    gain = min((group.charge_efficiency for group in storages), default=1.0)
    wear = max((group.up_cost_eur_per_mwh for group in storages), default=0.0)
    dear, cheap = max(worth * loss, worth) + wear, min(worth * gain, worth) - wear
    high = np.maximum(np.where(firm < 0, cheap, dear), price) + tick
    low = np.minimum(np.where(firm > 0, dear, cheap), price) - tick
    return _on_tick(high, tick, floor, cap), _on_tick(low, tick, floor, cap)


def _on_tick(price: FloatArray, tick: float, floor: float, cap: float) -> FloatArray:
    return np.asarray(np.clip(np.round(price / tick) * tick, floor + tick, cap - tick).round(6), dtype=np.float64)


def _extreme(
    problem: BidProblem, plan: BidPlan, made: Variables, held: LinearModel, firm: FloatArray, gain: FloatArray,
    options: SolverOptions, *, upward: bool,
) -> FloatArray:  # fmt: skip
    """(B,) whole extra lots of the dearest set that the groups can deliver all together."""
    assert made.sell is not None and made.buy is not None and problem.energy is not None
    lower, upper = _moving_on(plan, made, held, upward=upward)
    cost = np.zeros_like(held.cost)
    more, less = (made.sell, made.buy) if upward else (made.buy, made.sell)
    signed = firm if upward else -firm
    hours = np.bincount(problem.energy.block_of_interval) * problem.step_hours
    worth = np.where(gain * hours * problem.energy.lot_kw / KW_PER_MW >= WORTH_EUR, gain * hours, 0.0)
    for block, lots in enumerate(signed):
        front, rear = held.column(more.lots[block]), held.column(less.lots[block])
        lower[front], upper[rear] = max(lots, 0.0), max(-lots, 0.0)
        if worth[block] <= 0 or lots < 0:
            upper[front] = max(lots, 0.0)
        if worth[block] <= 0:
            lower[rear] = max(-lots, 0.0)
        cost[front], cost[rear] = -worth[block], worth[block]
    for column in made.missing:
        if column:
            upper[[held.column(variable) for variable in column[:-1]]] = 0.0
            cost[held.column(column[-1])] = 1e-3
    model = replace(held.with_bounds(lower, upper), cost=cost)
    answer = solve(
        model, replace(options, time_limit_s=min(QUICK_S, options.time_limit_s / 2), node_limit=50, mip_gap=0.02)
    )
    if answer.status not in (Status.OPTIMAL, Status.FEASIBLE) or not answer.values.size:
        return np.zeros(firm.size)
    found = take(held, more.lots, answer.values) - take(held, less.lots, answer.values)
    return np.asarray(np.maximum(np.round(found - signed), 0.0), dtype=np.float64)


def _moving_on(plan: BidPlan, made: Variables, held: LinearModel, *, upward: bool) -> tuple[FloatArray, FloatArray]:
    """Bounds in which each group moves one way at least as much as in the plan, the other way at most."""
    lower, upper = held.lower.copy(), held.upper.copy()
    net_mw = (plan.group_up_kw - plan.group_down_kw) / KW_PER_MW
    for g, moves_mw in enumerate(net_mw if upward else -net_mw):
        ahead, back = (made.up[g], made.down[g]) if upward else (made.down[g], made.up[g])
        for moved, front, rear in zip(moves_mw, ahead, back, strict=True):
            if moved >= -1e-9:  # already this way: at least as much, and never the other way
                lower[held.column(front)] = max(moved - SLACK_MW, 0.0)
                upper[held.column(rear)] = SLACK_MW
            else:
                upper[held.column(front)] = SLACK_MW
                upper[held.column(rear)] = min(upper[held.column(rear)], -moved + SLACK_MW)
    return lower, upper


def points_of(firm: FloatArray, steps: Steps, lot_kw: float, floor: float) -> list[Points]:
    """The steps of every block: from the floor the least, from one price the firm, from another the most."""
    curve = []
    for block, lots in enumerate(firm):
        points: Points = []
        quantities = [lots - steps.low_lots[block], lots, lots + steps.high_lots[block]]
        prices = [floor, float(steps.low_price[block]), float(steps.high_price[block])]
        if steps.low_lots[block] == 0:
            prices[1] = floor
            quantities, prices = quantities[1:], prices[1:]
        before = 0.0
        for price, quantity in zip(prices, quantities, strict=True):
            if quantity > before or (quantity < 0 and not points):
                points.append([price, float(quantity * lot_kw)])
                before = quantity
        curve.append(points)
    return curve
